#include "driver.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { EXIT_TRAPPED = 2, EXIT_WRONG_CONTENTS = 3, EXIT_NO_MEMORY = 4, EXIT_USAGE = 5, MAX_FRAMES = 24 };

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
        _exit(EXIT_USAGE);
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

/* The first thread that traps tells of it; others, and a trap while telling, do not get between. */
static void trapped(int number, siginfo_t* info, void* context)
{
    static atomic_flag telling = ATOMIC_FLAG_INIT;
    static _Thread_local volatile sig_atomic_t here;
    const mcontext_t* machine = &((const ucontext_t*)context)->uc_mcontext;

    if (here)
        _exit(EXIT_TRAPPED);
    here = 1;
    while (atomic_flag_test_and_set(&telling))
        pause();
    say("signal %d pc 0x%lx address 0x%lx", number, (unsigned long)machine->pc, (unsigned long)info->si_addr);
    say_frames(machine->regs[29]);
    _exit(EXIT_TRAPPED);
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

uint32_t next_random(uint32_t* state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

size_t random_size(uint32_t* state, size_t low, size_t high)
{
    return low + next_random(state) % (high - low + 1);
}

static unsigned char expected(const struct object* object, size_t offset)
{
    return (unsigned char)(object->seed + offset * 31 + (offset >> 8));
}

/* All of a small object. Of a large one both ends and one byte in each 512, so at least one in each page. */
static size_t next_offset(const struct object* object, size_t offset)
{
    const size_t edge = 2048;

    if (offset < edge || offset + edge >= object->size)
        return offset + 1;
    return offset + 512 + edge < object->size ? offset + 512 : object->size - edge;
}

void make(struct object* object, const struct heap* heap, size_t size, uint32_t seed)
{
    *object = (struct object) { heap->allocate(size), size, seed };
    if (!object->begin) {
        say("no memory: %zu bytes from the %s heap", size, heap->name);
        _exit(EXIT_NO_MEMORY);
    }
    for (size_t offset = 0; offset < size; offset = next_offset(object, offset))
        object->begin[offset] = expected(object, offset);
}

void verify(const struct heap* heap, const struct object* object)
{
    for (size_t offset = 0; offset < object->size; offset = next_offset(object, offset))
        if (object->begin[offset] != expected(object, offset))
            wrong_contents(heap, object, offset);
}

void wrong_contents(const struct heap* heap, const struct object* object, size_t offset)
{
    say("wrong contents: byte %zu of %zu bytes at %p from the %s heap", offset, object->size, (void*)object->begin,
        heap->name);
    _exit(EXIT_WRONG_CONTENTS);
}

void drop(struct object* object, const struct heap* heap)
{
    if (!object->begin)
        return;
    verify(heap, object);
    heap->release(object->begin);
    object->begin = NULL;
}

void churn(const struct heap* heap, unsigned count, size_t low, size_t high, uint32_t seed)
{
    struct object* objects = calloc(count, sizeof *objects);
    uint32_t state = seed;

    for (unsigned index = 0; index < count; ++index)
        make(&objects[index], heap, random_size(&state, low, high), next_random(&state));
    say("made %u objects of %zu to %zu bytes in the %s heap", count, low, high, heap->name);
    for (unsigned index = 0; index < count; index += 2)
        drop(&objects[index], heap);
    scavenge();
    for (unsigned index = 1; index < count; index += 2)
        verify(heap, &objects[index]);
    for (unsigned index = 0; index < count; index += 2)
        make(&objects[index], heap, random_size(&state, low, high), next_random(&state));
    for (unsigned index = 0; index < count; ++index)
        drop(&objects[index], heap);
    scavenge();
    free(objects);
}

int main(int argc, char** argv)
{
    for (const struct phase* phase = phases; phase->name; ++phase) {
        if (argc == 2 && !strcmp(argv[1], "--list"))
            say("%s", phase->name);
        if (argc == 2 && !strcmp(argv[1], phase->name)) {
            catch_signals();
            say("phase %s", phase->name);
            phase->run();
            say("ok");
            _exit(0);
        }
    }
    if (argc == 2 && !strcmp(argv[1], "--list"))
        return 0;
    fprintf(stderr, "usage: %s PHASE, one of what --list prints\n", argv[0]);
    return EXIT_USAGE;
}
