#include "threads.h"

#include "driver.h"

#include "jit_heap.h"

#include <pthread.h>
#include <stdlib.h>

struct job {
    pthread_t thread;
    unsigned number;
    work work;
};

static pthread_key_t at_exit;

/* What a thread carries to its end: the destructor gets it once a round. */
struct exit_job {
    const struct heap* heap;
    unsigned round;
};

/* libpas makes the key of its local cache at the first allocation of the process. Destructors run in the order of
   keys, so in the first round ours runs before that of libpas, and in the later ones after. */
enum { ROUNDS = 4 };

static void on_exit_of_thread(void* value)
{
    struct exit_job* job = value;

    for (size_t size = 16; size <= 1024; size += 16) {
        struct object objects[8];

        for (unsigned index = 0; index < 8; ++index)
            make(&objects[index], job->heap, size, (uint32_t)(size + index));
        for (unsigned index = 0; index < 8; ++index)
            drop(&objects[index], job->heap);
    }
    if (++job->round < ROUNDS)
        pthread_setspecific(at_exit, job);
    else
        free(job);
}

static void allocate_at_exit_from(const struct heap* heap)
{
    struct exit_job* job = malloc(sizeof *job);
    struct object object;

    make(&object, heap, 100, 1);
    drop(&object, heap);
    *job = (struct exit_job) { heap, 0 };
    pthread_setspecific(at_exit, job);
}

void allocate_at_exit(unsigned number)
{
    (void)number;
    allocate_at_exit_from(&common_heap);
}

void allocate_jit_at_exit(unsigned number)
{
    (void)number;
    allocate_at_exit_from(&jit_heap);
}

void mixed_work(unsigned number)
{
    enum { SLOTS = 400, STEPS = 6000 };
    struct object* objects = calloc(SLOTS, sizeof *objects);
    uint32_t state = 1000 + number;

    for (unsigned step = 0; step < STEPS; ++step) {
        unsigned slot = next_random(&state) % SLOTS;
        const struct heap* heap = slot % 4 == 0 ? &jit_heap : &common_heap;
        struct object* object = &objects[slot];
        size_t largest = slot % 8 < 5 ? 2000 : 40000;

        drop(object, heap);
        make(object, heap, random_size(&state, 1, largest), next_random(&state));
        if (heap == &jit_heap && object->size > 256) {
            object->size = random_size(&state, 1, 256);
            jit_heap_shrink(object->begin, object->size);
        }
        if (step % 1000 == 999 && number == 0)
            scavenge();
    }
    for (unsigned slot = 0; slot < SLOTS; ++slot)
        drop(&objects[slot], slot % 4 == 0 ? &jit_heap : &common_heap);
    free(objects);
    say("thread %u is through", number);
}

void mixed_work_and_exit(unsigned number)
{
    mixed_work(number);
    allocate_at_exit_from(number % 2 ? &common_heap : &jit_heap);
}

static void* start(void* argument)
{
    const struct job* job = argument;

    job->work(job->number);
    return NULL;
}

void run_threads(unsigned count, work work)
{
    struct job* jobs = calloc(count, sizeof *jobs);

    if (!at_exit)
        pthread_key_create(&at_exit, on_exit_of_thread);
    for (unsigned number = 0; number < count; ++number) {
        jobs[number] = (struct job) { .number = number, .work = work };
        pthread_create(&jobs[number].thread, NULL, start, &jobs[number]);
    }
    for (unsigned number = 0; number < count; ++number)
        pthread_join(jobs[number].thread, NULL);
    free(jobs);
}
