#include "threads.h"

#include "driver.h"

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

/* Sizes by 16 from 16 to 1024, beginning anywhere but in the first run. */
static size_t nth_size(unsigned index)
{
    return 16 + 16 * ((index + (run_seed - 1)) % 64);
}

static void on_exit_of_thread(void* value)
{
    struct exit_job* job = value;

    for (unsigned index = 0; index < 64; ++index) {
        struct object objects[8];

        for (unsigned each = 0; each < 8; ++each)
            make(&objects[each], job->heap, nth_size(index), (uint32_t)(nth_size(index) + each));
        for (unsigned each = 0; each < 8; ++each)
            drop(&objects[each], job->heap);
    }
    say("round %u of a dying thread is through in the %s heap", job->round + 1, job->heap->name);
    if (++job->round < ROUNDS)
        pthread_setspecific(at_exit, job);
    else
        free(job);
}

static void allocate_at_exit_from(const struct heap* heap)
{
    struct exit_job* job = malloc(sizeof *job);
    struct object object;

    if (!job)
        give_up("no memory for a thread's job");
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
    allocate_at_exit_from(&executable_heap);
}

void mixed_work(unsigned number)
{
    enum { SLOTS = 400, STEPS = 6000 };
    struct object* objects = calloc(SLOTS, sizeof *objects);
    uint32_t state = seeded(1000 + number);

    if (!objects)
        give_up("no memory for the list of objects");
    for (unsigned step = 0; step < STEPS; ++step) {
        unsigned slot = next_random(&state) % SLOTS;
        const struct heap* heap = slot % 4 == 0 ? &executable_heap : &common_heap;
        struct object* object = &objects[slot];
        size_t largest = slot % 8 < 5 ? 2000 : 40000;

        drop(object, heap);
        make(object, heap, random_size(&state, 1, largest), next_random(&state));
        if (heap == &executable_heap && object->size > 256)
            executable_shrink(object, random_size(&state, 1, 256));
        if (step % 1000 == 999) {
            say("thread %u: %u steps", number, step + 1);
            if (number == 0)
                scavenge();
        }
    }
    for (unsigned slot = 0; slot < SLOTS; ++slot)
        drop(&objects[slot], slot % 4 == 0 ? &executable_heap : &common_heap);
    free(objects);
    say("thread %u is through", number);
}

void mixed_work_and_exit(unsigned number)
{
    mixed_work(number);
    allocate_at_exit_from(number % 2 ? &common_heap : &executable_heap);
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

    if (!jobs || (!at_exit && pthread_key_create(&at_exit, on_exit_of_thread)))
        give_up("no memory for threads");
    for (unsigned number = 0; number < count; ++number) {
        jobs[number] = (struct job) { .number = number, .work = work };
        if (pthread_create(&jobs[number].thread, NULL, start, &jobs[number]))
            give_up("a thread cannot be started");
    }
    for (unsigned number = 0; number < count; ++number)
        pthread_join(jobs[number].thread, NULL);
    free(jobs);
}
