#include "driver.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { MAX_FRAMES = 24 };

uint32_t run_seed = 1;

static char signal_stack[64 * 1024];

void say(const char* format, ...)
{
    char line[512];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof line - 1)
        length = sizeof line - 2;
    line[length++] = '\n';
    if (write(STDOUT_FILENO, line, (size_t)length) < 0)
        _exit(EXIT_HARNESS);
}

void give_up(const char* why)
{
    say("harness: %s", why);
    _exit(EXIT_HARNESS);
}

/* Return addresses by the chain of frame records, as long as that goes up the stack in steps that make sense. */
static void say_frames(uintptr_t frame)
{
    for (int depth = 0; depth < MAX_FRAMES && frame && !(frame & 7); ++depth) {
        const uintptr_t* record = (const uintptr_t*)frame;
        if (!record[1])
            return;
        say("frame 0x%lx", (unsigned long)record[1]);
        if (record[0] <= frame || record[0] - frame > 1024 * 1024)
            return;
        frame = record[0];
    }
}

/* The first thread that traps tells of it; others, and a trap while telling, do not get between. The process then dies
   by that very signal, where it came: what the kernel says of it, and a core, are of the fault itself. */
static void trapped(int number, siginfo_t* info, void* context)
{
    static atomic_flag telling = ATOMIC_FLAG_INIT;
    static _Thread_local volatile sig_atomic_t told;
    const mcontext_t* machine = &((const ucontext_t*)context)->uc_mcontext;

    if (told) {
        sigset_t first;

        sigemptyset(&first);
        sigaddset(&first, told);
        signal(told, SIG_DFL);
        pthread_sigmask(SIG_UNBLOCK, &first, NULL);
        raise(told);
    }
    told = number;
    while (atomic_flag_test_and_set(&telling))
        pause();
    say("signal %d pc 0x%lx address 0x%lx", number, (unsigned long)machine->pc, (unsigned long)info->si_addr);
    say_frames(machine->regs[29]);
    signal(number, SIG_DFL);
    raise(number);
}

static void catch_signals(void)
{
    static const int numbers[] = { SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGFPE };
    const stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof signal_stack };
    struct sigaction action = { .sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_ONSTACK };

    sigaltstack(&stack, NULL);
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; ++index)
        sigaction(numbers[index], &action, NULL);
}

static void list(void)
{
    for (const struct phase* phase = phases; phase->name; ++phase)
        say(phase->unavailable ? "%s: %s" : "%s", phase->name, phase->unavailable);
}

static bool read_seed(const char* text)
{
    char* end;
    unsigned long seed;

    errno = 0;
    seed = strtoul(text, &end, 10);
    run_seed = (uint32_t)seed;
    return *text >= '1' && *text <= '9' && !*end && !errno && seed <= UINT32_MAX;
}

static const struct phase* find(const char* name)
{
    for (const struct phase* phase = phases; phase->name; ++phase)
        if (!strcmp(name, phase->name))
            return phase;
    return NULL;
}

int main(int argc, char** argv)
{
    const struct phase* phase = argc == 3 ? find(argv[1]) : NULL;

    if (argc == 2 && !strcmp(argv[1], "--list")) {
        list();
        return 0;
    }
    if (!phase || !read_seed(argv[2])) {
        fprintf(stderr, "usage: %s PHASE SEED: a phase that --list names, a seed from 1 to 4294967295\n", argv[0]);
        return EXIT_HARNESS;
    }
    if (phase->unavailable)
        give_up(phase->unavailable);
    catch_signals();
    say("phase %s seed %u", phase->name, run_seed);
    phase->run();
    say("ok %016lx", (unsigned long)work_done());
    _exit(0);
}
