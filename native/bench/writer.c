/* Writes as many bytes as asked for in 100-byte lines, buffered as any program's stdio does. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    static const char line[] =
        "abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz 123456789 12345678\n";
    for (long long left = argc > 1 ? atoll(argv[1]) : 0; left > 0; left -= 100)
        fwrite(line, 1, 100, stdout);
    return 0;
}
