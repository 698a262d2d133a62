/* A small test harness: each test runs in a process of its own, with a deadline, in a private mount namespace and a
 * directory of its own. */
#ifndef BUNDT_TEST_H
#define BUNDT_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SKIPPED 77

struct test {
    const char *name; /* a sentence */
    void (*run)(void);
};

#define TEST(function)                                                                                                 \
    {                                                                                                                  \
#function, function                                                                                            \
    }

/* The test's own empty directory; its end removes it. */
extern char test_directory[64];
/* The launcher under test. */
extern const char *launcher_path;

_Noreturn void test_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
_Noreturn void test_skip(const char *reason);
/* Makes a cgroup of the v2 hierarchy for this test, which has to remove it. */
const char *test_cgroup(void);
/* Runs each test; adds to the counts that test_summary prints. */
void test_run(const char *suite, const struct test *tests, size_t count);
int test_summary(void);

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            test_fail(__FILE__, __LINE__, "not true: %s", #condition);                                                 \
    } while (0)

#define REQUIRE_EQUAL(actual, expected)                                                                                \
    do {                                                                                                               \
        long long actual_ = (long long)(actual), expected_ = (long long)(expected);                                    \
        if (actual_ != expected_)                                                                                      \
            test_fail(__FILE__, __LINE__, "%s is %lld, not %lld", #actual, actual_, expected_);                        \
    } while (0)

#define REQUIRE_TEXT(actual, expected)                                                                                 \
    do {                                                                                                               \
        const char *actual_ = (actual), *expected_ = (expected);                                                       \
        if (strcmp(actual_, expected_) != 0)                                                                           \
            test_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #actual, actual_, expected_);                    \
    } while (0)

#define REQUIRE_CONTAINS(actual, part)                                                                                 \
    do {                                                                                                               \
        const char *actual_ = (actual), *part_ = (part);                                                               \
        if (!strstr(actual_, part_))                                                                                   \
            test_fail(__FILE__, __LINE__, "%s is \"%s\", without \"%s\"", #actual, actual_, part_);                    \
    } while (0)

#endif
