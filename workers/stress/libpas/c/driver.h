/* The allocation driver: one phase a process. A phase ends with "ok", with a fatal signal whose place was told before,
   or with wrong contents. All is decided by the seed but the order in which threads run.

   Only the files libpas_*.c see headers of libpas; where one does not fit a tree, it is left out, and with it the
   phases that need it. So what they define is weak here. */

#ifndef PAGEWARDEN_DRIVER_H
#define PAGEWARDEN_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OF_LIBPAS __attribute__((weak))

/* Known to whoever reads how the process ended. */
enum {
    EXIT_WRONG_CONTENTS = 3,
    EXIT_REFUSED = 4,       /* an allocation that may return null has done so */
    EXIT_HARNESS = 5,       /* nothing of libpas's: usage, a thread that cannot be started */
    EXIT_BROKEN_PROMISE = 6 /* an allocation that never returns null has done so */
};

/* A phase returns when it has seen nothing wrong. */
struct phase {
    const char* name;
    void (*run)(void);
    const char* unavailable; /* why it cannot be run on this libpas, or null */
};

/* Written for each build. The end of the table has no name. */
extern const struct phase phases[];

void baseline(void);
void utility(void);
void jit_medium_bitfit(void);
void jit_small_bitfit(void);
void bitfit(void);
void scavenger(void);
void expendable_memory(void);
void auxiliary_heaps(void);
void threads(void);
void threads_exit(void);
void jit_baseline(void);
void jit_small(void);

/* Where objects come from and go to. */
struct heap {
    const char* name;
    void* (*allocate)(size_t size);
    void (*release)(void* object);
    bool may_refuse; /* null is an answer */
};

/* A live object; `begin` is null where there is none. */
struct object {
    unsigned char* begin;
    size_t size;
    uint32_t seed;
};

/* Prints a line, unbuffered. */
void say(const char* format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the process for a reason that is not libpas's. */
void give_up(const char* why) __attribute__((noreturn));

/* The seed of the whole run, from 1. */
extern uint32_t run_seed;

/* A phase's own seed in this run; never 0. The first run has the phases' own seeds as they are. */
uint32_t seeded(uint32_t own);

/* The next of a fixed sequence; `state` is not zero. */
uint32_t next_random(uint32_t* state);

/* Uniform from `low` to `high`, both included. */
size_t random_size(uint32_t* state, size_t low, size_t high);

/* What was written and verified until now, as a number that does not depend on the order. */
uint64_t work_done(void);

/* Allocates and fills. An allocation that returns null ends the process. */
void make(struct object*, const struct heap*, size_t size, uint32_t seed);

/* The same with memory that is there. */
void fill(struct object*, const struct heap*, void* begin, size_t size, uint32_t seed);

/* Compares with what was written, as far as `size` says now. Other contents end the process. */
void verify(const struct heap*, const struct object*);

/* Verifies and frees, if it is there. */
void drop(struct object*, const struct heap*);

/* `count` objects of `low` to `high` bytes: made; half of them freed; memory given back to the kernel; the rest
   verified; the holes filled again; all freed; given back again. */
void churn(const struct heap*, unsigned count, size_t low, size_t high, uint32_t seed);

/* libpas_common.c */
extern const struct heap common_heap OF_LIBPAS;  /* what malloc is in WebKit */
extern const struct heap aligned_heap OF_LIBPAS; /* each object aligned to the largest power of two that is in it */
void common_bitfit_only(void) OF_LIBPAS;         /* before the first allocation */

/* libpas_jit.c */
extern const struct heap executable_heap OF_LIBPAS; /* needs executable_memory_add() */
void executable_memory_add(size_t size) OF_LIBPAS;  /* gives the JIT heap `size` bytes, as an executable pool does */
void executable_shrink(struct object*, size_t size) OF_LIBPAS;
void executable_bitfit_only(void) OF_LIBPAS;

/* libpas_utility.c */
extern const struct heap utility_heap OF_LIBPAS;
extern const size_t utility_largest OF_LIBPAS; /* no larger object is asked of it, in bytes */

/* libpas_auxiliary.c: typed heaps, and as many auxiliary ones */
enum { AUXILIARY_HEAPS = 200 };
void auxiliary_begin(void) OF_LIBPAS;
size_t typed_size(unsigned index) OF_LIBPAS;
void* typed_allocate(unsigned index) OF_LIBPAS;
void* auxiliary_allocate(unsigned index, size_t size) OF_LIBPAS;
extern const struct heap auxiliary_heap OF_LIBPAS; /* only releases */

/* libpas_expendable.c */
unsigned char* expendable_allocate(size_t size) OF_LIBPAS;
void expendable_commit(unsigned char* begin, size_t size) OF_LIBPAS;

/* libpas_scavenger.c */
void scavenge(void) OF_LIBPAS;                /* makes the scavenger do all that it can do, now */
void scavenge_only_when_told(void) OF_LIBPAS; /* no scavenger thread until the process ends */
void scavenge_expendable(void) OF_LIBPAS;

#endif
