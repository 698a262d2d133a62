#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "suites.h"
#include "test.h"

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    run_unit_tests();
    run_spawn_tests();
    for (int i = 1; i < argc; i++) {
        launcher_path = argv[i];
        printf("# launcher: %s\n", launcher_path);
        run_operation_tests();
        run_config_tests();
        run_monitor_tests();
    }
    return test_summary();
}
