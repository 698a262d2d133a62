#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "suites.h"
#include "test.h"

int main(int argc, char **argv)
{
    launcher_path = argc > 1 ? argv[1] : "../out/libexec/bundt-launcher";
    setvbuf(stdout, NULL, _IOLBF, 0);
    run_operation_tests();
    run_monitor_tests();
    return test_summary();
}
