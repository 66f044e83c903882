#include "driver.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static _Atomic uint64_t work;

uint64_t work_done(void)
{
    return work;
}

static void count(const struct object* object)
{
    uint64_t product = (object->size + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ object->seed;

    atomic_fetch_add_explicit(&work, product * UINT64_C(0xff51afd7ed558ccd), memory_order_relaxed);
}

static uint32_t mixed(uint32_t value)
{
    value = (value ^ value >> 16) * 0x7feb352d;
    value = (value ^ value >> 15) * 0x846ca68b;
    return value ^ value >> 16;
}

uint32_t seeded(uint32_t own)
{
    uint32_t seed = run_seed == 1 ? own : mixed(own ^ mixed(run_seed));

    return seed ? seed : own;
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

void fill(struct object* object, const struct heap* heap, void* begin, size_t size, uint32_t seed)
{
    *object = (struct object) { begin, size, seed };
    if (!object->begin) {
        say("no memory: %zu bytes from the %s heap", size, heap->name);
        _exit(heap->may_refuse ? EXIT_REFUSED : EXIT_BROKEN_PROMISE);
    }
    for (size_t offset = 0; offset < size; offset = next_offset(object, offset))
        object->begin[offset] = expected(object, offset);
    count(object);
}

void make(struct object* object, const struct heap* heap, size_t size, uint32_t seed)
{
    fill(object, heap, heap->allocate(size), size, seed);
}

void verify(const struct heap* heap, const struct object* object)
{
    for (size_t offset = 0; offset < object->size; offset = next_offset(object, offset)) {
        if (object->begin[offset] != expected(object, offset)) {
            say("wrong contents: byte %zu of %zu bytes at %p from the %s heap", offset, object->size,
                (void*)object->begin, heap->name);
            _exit(EXIT_WRONG_CONTENTS);
        }
    }
    count(object);
}

void drop(struct object* object, const struct heap* heap)
{
    if (!object->begin)
        return;
    verify(heap, object);
    heap->release(object->begin);
    object->begin = NULL;
}

/* Every other object; in later runs any half of them. */
static bool is_hole(unsigned index, uint32_t seed)
{
    return run_seed == 1 ? index % 2 == 0 : mixed(index ^ seed) & 1;
}

void churn(const struct heap* heap, unsigned count, size_t low, size_t high, uint32_t seed)
{
    struct object* objects = calloc(count, sizeof *objects);
    uint32_t state = seeded(seed);

    if (!objects)
        give_up("no memory for the list of objects");
    for (unsigned index = 0; index < count; ++index) {
        make(&objects[index], heap, random_size(&state, low, high), next_random(&state));
        if (index % 500 == 499 || index + 1 == count)
            say("%u of %u objects of %zu to %zu bytes made in the %s heap", index + 1, count, low, high, heap->name);
    }
    for (unsigned index = 0; index < count; ++index)
        if (is_hole(index, seed))
            drop(&objects[index], heap);
    say("half of them freed");
    scavenge();
    for (unsigned index = 0; index < count; ++index)
        if (!is_hole(index, seed))
            verify(heap, &objects[index]);
    say("the rest verified after scavenging");
    for (unsigned index = 0; index < count; ++index)
        if (is_hole(index, seed))
            make(&objects[index], heap, random_size(&state, low, high), next_random(&state));
    say("the holes filled again");
    for (unsigned index = 0; index < count; ++index)
        drop(&objects[index], heap);
    scavenge();
    say("all freed");
    free(objects);
}
