/* What the driver does to libpas. Each phase names the code that it is there to reach. */

#include "driver.h"
#include "threads.h"

#include <stdlib.h>

enum { KIB = 1024, MIB = 1024 * KIB, JIT_POOL = 128 * MIB };

/* Baseline allocators: used by a thread whose local cache is gone. */
void baseline(void)
{
    scavenge_only_when_told();
    run_threads(1, allocate_at_exit);
    scavenge();
}

void jit_baseline(void)
{
    scavenge_only_when_told();
    executable_memory_add(JIT_POOL);
    run_threads(1, allocate_jit_at_exit);
    scavenge();
}

/* The utility heap: one segregated size class each 8 bytes, up to its lookup bound. */
void utility(void)
{
    scavenge_only_when_told();
    churn(&utility_heap, 20000, 1, utility_largest, 7);
}

/* JIT memory as compiled functions use it: most are small. */
void jit_small(void)
{
    scavenge_only_when_told();
    executable_memory_add(JIT_POOL);
    churn(&executable_heap, 20000, 1, 8, 11);
    churn(&executable_heap, 8000, 1, 1600, 13);
}

/* Small bitfit pages of the JIT heap, which JavaScriptCore asks for when its executable pool is small. */
void jit_small_bitfit(void)
{
    executable_bitfit_only();
    jit_small();
}

/* Use counts of the JIT heap's medium pages: a link buffer is allocated large and shrunk to what was needed, first to
   one instruction each, then to a few. */
void jit_medium_bitfit(void)
{
    enum { COUNT = 3000 };
    static struct object objects[COUNT];
    uint32_t state = seeded(17);

    scavenge_only_when_told();
    executable_memory_add(JIT_POOL);
    for (unsigned index = 0; index < COUNT; ++index) {
        struct object* object = &objects[index];

        make(object, &executable_heap, random_size(&state, 2 * KIB, 32 * KIB), next_random(&state));
        executable_shrink(object, index < COUNT / 2 ? 4 : random_size(&state, 1, 256));
        if (index < 600 || index % 100 == 99)
            say("%u objects made and shrunk", index + 1);
    }
    for (unsigned index = 0; index < COUNT; ++index)
        verify(&executable_heap, &objects[index]);
    say("%u objects verified", COUNT);
    for (unsigned index = 0; index < COUNT; index += 2)
        drop(&objects[index], &executable_heap);
    scavenge();
    for (unsigned index = 0; index < COUNT; ++index)
        drop(&objects[index], &executable_heap);
    scavenge();
    say("all freed");
    churn(&executable_heap, 1000, 2 * KIB, 60 * KIB, 18);
    churn(&executable_heap, 200, 2 * KIB, 160 * KIB, 18);
    churn(&executable_heap, 40, 160 * KIB, 2 * MIB, 18);
}

/* Every size category of the common heap, with memory given back to the kernel in between. */
static void every_size(void)
{
    churn(&common_heap, 20000, 1, 256, 19);
    churn(&common_heap, 6000, 16, 2 * KIB, 23);
    churn(&common_heap, 2000, 2 * KIB, 16 * KIB, 29);
    churn(&common_heap, 400, 16 * KIB, 128 * KIB, 31);
    churn(&common_heap, 60, 128 * KIB, 1 * MIB, 37);
    churn(&common_heap, 12, 1 * MIB, 6 * MIB, 41);
    churn(&common_heap, 4000, 1, 64 * KIB, 43);
    churn(&aligned_heap, 1000, 1, 64 * KIB, 44);
    churn(&aligned_heap, 40, 64 * KIB, 2 * MIB, 45);
}

/* All of it with contents verified: what the scavenger takes must not be in use. */
void scavenger(void)
{
    scavenge_only_when_told();
    executable_memory_add(JIT_POOL);
    every_size();
    churn(&executable_heap, 4000, 1, 40 * KIB, 47);
}

/* The bitfit heaps alone. */
void bitfit(void)
{
    common_bitfit_only();
    scavenge_only_when_told();
    every_size();
}

/* Segregated and bitfit heaps under six threads, with the scavenger's own thread running. */
void threads(void)
{
    executable_memory_add(JIT_POOL);
    run_threads(6, mixed_work);
    scavenge();
}

/* The same, with allocations while the threads die. */
void threads_exit(void)
{
    executable_memory_add(JIT_POOL);
    run_threads(6, mixed_work_and_exit);
    run_threads(6, mixed_work_and_exit);
    scavenge();
}

/* Typed and auxiliary heaps, 200 of each: size directories by the hundred, and the memory that these live in. */
void auxiliary_heaps(void)
{
    enum { SLOTS = 40 };
    static struct object objects[AUXILIARY_HEAPS][SLOTS];
    uint32_t state = seeded(53);

    scavenge_only_when_told();
    auxiliary_begin();
    for (unsigned round = 0; round < 3; ++round) {
        for (unsigned index = 0; index < AUXILIARY_HEAPS; ++index) {
            for (unsigned slot = 0; slot < SLOTS; ++slot) {
                size_t size = slot % 2 ? typed_size(index) : random_size(&state, 1, 5000);
                void* begin = slot % 2 ? typed_allocate(index) : auxiliary_allocate(index, size);

                fill(&objects[index][slot], &auxiliary_heap, begin, size, next_random(&state));
            }
            if (index % 20 == 19)
                say("round %u: %u objects made in each of %u heaps", round, SLOTS / 2, 2 * (index + 1));
        }
        for (unsigned index = 0; index < AUXILIARY_HEAPS; ++index)
            for (unsigned slot = 0; slot < SLOTS; ++slot)
                drop(&objects[index][slot], &auxiliary_heap);
        scavenge_expendable();
        scavenge();
        say("round %u: all verified, freed and scavenged", round);
    }
}

/* Expendable memory itself, through several of its blocks, taken away and asked for again. What it held is lost then,
   by design. */
void expendable_memory(void)
{
    enum { PIECES = 3000 };
    static unsigned char* pieces[PIECES];
    static size_t sizes[PIECES];
    uint32_t state = seeded(59);

    scavenge_only_when_told();
    for (unsigned index = 0; index < PIECES; ++index) {
        sizes[index] = run_seed == 1 ? 40 * KIB : random_size(&state, 32, 44) * KIB;
        pieces[index] = expendable_allocate(sizes[index]);
        if (index % 500 == 499)
            say("%u pieces of expendable memory", index + 1);
    }
    for (unsigned round = 0; round < 8; ++round)
        scavenge_expendable();
    say("taken away");
    for (unsigned index = 0; index < PIECES; ++index)
        expendable_commit(pieces[index], sizes[index]);
    say("asked for again");
    auxiliary_heaps();
}
