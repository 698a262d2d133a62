/* The suites, one file each. */
#ifndef BUNDT_SUITES_H
#define BUNDT_SUITES_H

/* Of functions, on their own. */
void run_unit_tests(void);
void run_spawn_tests(void);
/* Of the launcher at launcher_path. */
void run_operation_tests(void);
void run_config_tests(void);
void run_monitor_tests(void);

#endif
