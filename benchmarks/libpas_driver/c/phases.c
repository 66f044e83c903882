/* What the driver does to libpas. Each phase names the code that it is there to reach. */

#include "heaps.h"

#include "jit_heap.h"
#include "jit_heap_config.h"
#include "pas_heap_lock.h"
#include "pas_internal_config.h"
#include "pas_large_expendable_memory.h"
#include "pas_scavenger.h"
#include "threads.h"

#include <limits.h>
#include <stdlib.h>

enum { KIB = 1024, MIB = 1024 * KIB, JIT_POOL = 128 * MIB };

/* Baseline allocators: used by a thread whose local cache is gone. */
static void baseline(void)
{
    scavenge_only_when_told();
    run_threads(1, allocate_at_exit);
    scavenge();
}

static void jit_baseline(void)
{
    scavenge_only_when_told();
    jit_memory_add(JIT_POOL);
    run_threads(1, allocate_jit_at_exit);
    scavenge();
}

/* The utility heap: one segregated size class each 8 bytes, up to its lookup bound. */
static void utility(void)
{
    scavenge_only_when_told();
    churn(&utility_heap, 20000, 1, PAS_UTILITY_LOOKUP_SIZE_UPPER_BOUND - 10, 7);
}

/* JIT memory as compiled functions use it: most are small. */
static void jit_small(void)
{
    scavenge_only_when_told();
    jit_memory_add(JIT_POOL);
    churn(&jit_heap, 20000, 1, 8, 11);
    churn(&jit_heap, 8000, 1, 1600, 13);
}

/* Small bitfit pages of the JIT heap, which JavaScriptCore asks for when its executable pool is small. */
static void jit_small_bitfit(void)
{
    jit_heap_runtime_config.max_segregated_object_size = 0;
    jit_small();
}

/* Use counts of the JIT heap's medium pages: a link buffer is allocated large and shrunk to what was needed, first to
   one instruction each, then to a few. */
static void jit_medium_bitfit(void)
{
    enum { COUNT = 3000 };
    static struct object objects[COUNT];
    uint32_t state = 17;

    scavenge_only_when_told();
    jit_memory_add(JIT_POOL);
    for (unsigned index = 0; index < COUNT; ++index) {
        struct object* object = &objects[index];

        make(object, &jit_heap, random_size(&state, 2 * KIB, 32 * KIB), next_random(&state));
        object->size = index < COUNT / 2 ? 4 : random_size(&state, 1, 256);
        jit_heap_shrink(object->begin, object->size);
        if (index < 600 || index % 100 == 99)
            say("%u objects made and shrunk", index + 1);
    }
    for (unsigned index = 0; index < COUNT; ++index)
        verify(&jit_heap, &objects[index]);
    for (unsigned index = 0; index < COUNT; index += 2)
        drop(&objects[index], &jit_heap);
    scavenge();
    for (unsigned index = 0; index < COUNT; ++index)
        drop(&objects[index], &jit_heap);
    scavenge();
    churn(&jit_heap, 1000, 2 * KIB, 60 * KIB, 18);
    churn(&jit_heap, 200, 2 * KIB, 160 * KIB, 18);
    churn(&jit_heap, 40, 160 * KIB, 2 * MIB, 18);
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
static void scavenger(void)
{
    scavenge_only_when_told();
    jit_memory_add(JIT_POOL);
    every_size();
    churn(&jit_heap, 4000, 1, 40 * KIB, 47);
}

/* The bitfit heaps alone. */
static void bitfit(void)
{
    bmalloc_intrinsic_runtime_config.base.max_segregated_object_size = 0;
    scavenge_only_when_told();
    every_size();
}

/* Segregated and bitfit heaps under six threads, with the scavenger's own thread running. */
static void threads(void)
{
    jit_memory_add(JIT_POOL);
    run_threads(6, mixed_work);
    scavenge();
}

/* The same, with allocations while the threads die. */
static void threads_exit(void)
{
    jit_memory_add(JIT_POOL);
    run_threads(6, mixed_work_and_exit);
    run_threads(6, mixed_work_and_exit);
    scavenge();
}

enum { TYPES = 200 };

/* Typed and auxiliary heaps, 200 of each: size directories by the hundred, and the memory that these live in. */
static void typed_heaps(void)
{
    static bmalloc_type types[TYPES], primitive;
    static pas_heap_ref typed[TYPES];
    static pas_primitive_heap_ref auxiliary[TYPES];
    static void* objects[TYPES][40];
    uint32_t state = 53;

    scavenge_only_when_told();
    primitive = BMALLOC_TYPE_INITIALIZER(1, 1, "auxiliary");
    for (unsigned index = 0; index < TYPES; ++index) {
        types[index] = BMALLOC_TYPE_INITIALIZER(16 + 64 * index, 16, "typed");
        typed[index] = TYPED_HEAP(&types[index]);
        auxiliary[index] = AUXILIARY_HEAP(&primitive);
    }
    for (unsigned round = 0; round < 3; ++round) {
        for (unsigned index = 0; index < TYPES; ++index) {
            for (unsigned slot = 0; slot < 40; ++slot) {
                size_t size = slot % 2 ? types[index].size : random_size(&state, 1, 5000);
                void* object = slot % 2 ? bmalloc_iso_allocate(&typed[index] COMMA_MODE)
                                        : bmalloc_allocate_auxiliary(&auxiliary[index], size COMMA_MODE);

                *(unsigned char*)object = (unsigned char)index;
                ((unsigned char*)object)[size - 1] = (unsigned char)index;
                objects[index][slot] = object;
            }
        }
        say("round %u: made %u objects in %u heaps", round, TYPES * 40, 2 * TYPES);
        for (unsigned index = 0; index < TYPES; ++index)
            for (unsigned slot = 0; slot < 40; ++slot)
                bmalloc_deallocate(objects[index][slot]);
        pas_scavenger_decommit_expendable_memory();
        scavenge();
    }
}

/* Expendable memory itself, through several of its blocks, taken away and asked for again. */
static void expendable_memory(void)
{
    enum { PIECES = 3000 };
    static unsigned char* pieces[PIECES];
    const size_t size = 40 * KIB;

    scavenge_only_when_told();
    for (unsigned index = 0; index < PIECES; ++index) {
        pas_heap_lock_lock();
        pieces[index] = pas_large_expendable_memory_allocate(size, 16, "driver");
        pas_large_expendable_memory_commit_if_necessary(pieces[index], size);
        pieces[index][0] = pieces[index][size - 1] = (unsigned char)index;
        pas_heap_lock_unlock();
        if (index % 500 == 499)
            say("%u pieces", index + 1);
    }
    for (unsigned round = 0; round < 8; ++round)
        pas_scavenger_decommit_expendable_memory();
    say("taken away");
    for (unsigned index = 0; index < PIECES; ++index) {
        pas_heap_lock_lock();
        pas_large_expendable_memory_commit_if_necessary(pieces[index], size);
        pieces[index][size / 2] = 1;
        pas_heap_lock_unlock();
    }
    typed_heaps();
}

const struct phase phases[] = {
    { "baseline", baseline },
    { "jit-baseline", jit_baseline },
    { "utility", utility },
    { "jit-small", jit_small },
    { "jit-small-bitfit", jit_small_bitfit },
    { "jit-medium-bitfit", jit_medium_bitfit },
    { "scavenger", scavenger },
    { "bitfit", bitfit },
    { "typed-heaps", typed_heaps },
    { "expendable-memory", expendable_memory },
    { "threads", threads },
    { "threads-exit", threads_exit },
    { NULL, NULL },
};
