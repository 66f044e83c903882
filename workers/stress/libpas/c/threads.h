#ifndef PAGEWARDEN_DRIVER_THREADS_H
#define PAGEWARDEN_DRIVER_THREADS_H

/* What a thread does; `number` counts from zero. */
typedef void (*work)(unsigned number);

/* Starts `count` threads and waits for them. */
void run_threads(unsigned count, work);

/* Allocates a little from the common heap, or the JIT heap, now, and again while the thread dies, after its local cache
   is gone. */
void allocate_at_exit(unsigned number);
void allocate_jit_at_exit(unsigned number);

/* Sizes and heaps in turn, with objects of the JIT heap shrunk. Needs `executable_memory_add`. */
void mixed_work(unsigned number);

void mixed_work_and_exit(unsigned number);

#endif
