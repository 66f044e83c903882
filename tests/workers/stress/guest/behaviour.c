/* A process that does what its first argument says. */

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void cat(const char *path)
{
    FILE *file = fopen(path, "r");
    for (int c; file && (c = fgetc(file)) != EOF;)
        putchar(c);
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    if (!strcmp(what, "exit")) {
        printf("pages of %d bytes, user %s\n", getpagesize(), getuid() ? "ordinary" : "root");
        fprintf(stderr, "to stderr\n");
        return atoi(arguments[2]);
    }
    if (!strcmp(what, "signal")) {
        printf("before the end\n");
        fflush(stdout);
        raise(atoi(arguments[2]));
    }
    if (!strcmp(what, "environment"))
        for (char **each = environ; *each; each++)
            puts(*each);
    if (!strcmp(what, "arguments"))
        for (int i = 2; i < count; i++)
            printf("[%s]\n", arguments[i]);
    if (!strcmp(what, "files"))
        for (int i = 2; i < count; i++) {
            char target[256] = "";
            struct stat about = {0};
            lstat(arguments[i], &about);
            if (readlink(arguments[i], target, sizeof target - 1) < 0)
                target[0] = 0;
            printf("%s %o %d %s: ", arguments[i], about.st_mode, access(arguments[i], W_OK), target);
            cat(arguments[i]);
            putchar('\n');
        }
    if (!strcmp(what, "hang"))
        for (;;)
            pause();
    if (!strcmp(what, "work"))
        for (volatile unsigned long i = 0;; i++)
            ;
    if (!strcmp(what, "print"))
        for (long i = 0;; i++)
            printf("line %ld of a program that prints for ever\n", i);
    if (!strcmp(what, "complain"))
        for (;;)
            fputs("a program that complains for ever, and that at some length, so that there is much of it\n", stderr);
    if (!strcmp(what, "eat"))
        for (;;)
            memset(malloc(1 << 20), 1, 1 << 20);
    if (!strcmp(what, "fork"))
        for (;;)
            fork();
    if (!strcmp(what, "large")) {
        size_t size = (size_t)atoi(arguments[2]) << 20;
        unsigned char *memory = malloc(size);
        unsigned random = 1;
        for (size_t i = 0; i < size; i++)
            memory[i] = (random = random * 1664525 + 1013904223) >> 24;
        abort();
    }
    if (!strcmp(what, "stay") && fork() == 0) {
        setsid();
        for (;;) {
            FILE *file = fopen("/tmp/stayed", "a");
            if (file)
                fclose(file);
            puts("still here");
            fflush(stdout);
            usleep(10000);
        }
    }
    if (!strcmp(what, "fill")) {
        static char block[1 << 16];
        FILE *file = fopen("/tmp/filling", "w");
        unsigned long written = 0;
        while (file && fwrite(block, 1, sizeof block, file) == sizeof block)
            written += sizeof block;
        printf("%lu\n", written >> 20);
    }
    return 0;
}
