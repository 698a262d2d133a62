/* The suites, one file each. */
#ifndef BUNDT_SUITES_H
#define BUNDT_SUITES_H

void run_operation_tests(void);
void run_monitor_tests(void);

#endif
