/*
 * Process 1 of the guest: proves the page size, runs what the plan says, one process after another, and tells the host
 * how each ended. The plan's nonce is known to nothing else in the guest: only lines and frames with it count.
 */

#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { CONSOLE_LEVEL = 8, LARGEST_PAGE = 65536 };

static void mount_at(const char *type, const char *path, unsigned long flags, const char *options)
{
    mkdir(path, 0755);
    if (mount(type, path, type, flags, options) < 0)
        give_up("a file system cannot be mounted");
}

static int device(const char *path, int flags)
{
    int file = open(path, flags | O_CLOEXEC | O_NOCTTY);
    if (file < 0)
        give_up("a device is missing");
    return file;
}

static void node(const char *path, unsigned minor)
{
    if (mknod(path, S_IFCHR | 0666, makedev(1, minor)) < 0 || chmod(path, 0666) < 0)
        give_up("a device cannot be made");
}

/* The devices that processes see are these, so there is no serial port and no disk to be opened. */
static void devices(void)
{
    if (umount2("/dev", MNT_DETACH) < 0)
        give_up("the kernel's devices cannot be taken away");
    mount_at("tmpfs", "/dev", MS_NOSUID, "size=64k,mode=0755");
    node("/dev/null", 3);
    node("/dev/zero", 5);
    node("/dev/full", 7);
    node("/dev/random", 8);
    node("/dev/urandom", 9);
    if (symlink("/proc/self/fd", "/dev/fd") < 0 || mkdir("/dev/shm", 0755) < 0)
        give_up("the devices have no directory");
}

/* Bytes, 0 where it is not said. */
static unsigned long page_of_smaps(void)
{
    char line[256];
    unsigned long kilobytes = 0;
    FILE *smaps = fopen("/proc/self/smaps", "r");
    while (smaps && !kilobytes && fgets(line, sizeof line, smaps))
        sscanf(line, "KernelPageSize: %lu kB", &kilobytes);
    if (smaps)
        fclose(smaps);
    return kilobytes * 1024;
}

/* What the kernel answers to a protection that begins `offset` into a page: EINVAL where pages are larger. */
static int answer_at(size_t offset)
{
    char *base = mmap(NULL, 2 * LARGEST_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        give_up("there is no memory to try protections on");
    int answer = mprotect(base + offset, LARGEST_PAGE, PROT_READ) < 0 ? errno : 0;
    munmap(base, 2 * LARGEST_PAGE);
    return answer;
}

static void set(const char *path, const char *text)
{
    if (!write_text(path, text))
        give_up("a setting of the kernel is missing");
}

static void settings(void)
{
    set("/proc/sys/kernel/core_pattern", "/cores/core");
    set("/proc/sys/kernel/core_uses_pid", "1");
    set("/proc/sys/kernel/print-fatal-signals", "1");
    set("/proc/sys/kernel/dmesg_restrict", "1");
    set("/proc/sys/vm/panic_on_oom", "0");
    /* What System V has for processes to share would outlive them. */
    const char *shared[][2] = {{"shmmni", "0"}, {"msgmni", "0"}, {"sem", "0 0 0 0"}};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/sys/kernel/%s", shared[i][0]);
        if (access(path, F_OK) == 0)
            set(path, shared[i][1]);
    }
    set("/proc/self/oom_score_adj", "-1000");
}

/* Only so that the signal ends a wait. */
static void woken(int signal)
{
    (void)signal;
}

int main(void)
{
    static struct plan plan;
    sigset_t child;
    struct sigaction action = {.sa_handler = woken};
    umask(022);
    /* The first file system lets everybody write to its root. */
    if (chmod("/", 0755) < 0)
        give_up("the root cannot be protected");
    mount_at("devtmpfs", "/dev", 0, "mode=0755");
    /* 0, 1 and 2 are taken, so that no other file gets such a number. */
    while (device("/dev/null", O_RDWR) < 2)
        ;
    int serial = device("/dev/ttyAMA0", O_RDWR);
    report_open(serial, "");
    bool readable = plan_read("/plan", &plan);
    if (unlink("/plan") < 0 || !readable || strlen(plan.nonce) != 32)
        give_up("the plan cannot be read");
    report_open(serial, plan.nonce);
    /* Else the kernel's own words would get between those of the reports. */
    klogctl(CONSOLE_LEVEL, NULL, 1);
    mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount_at("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL);
    mkdir("/tmp", 0755);
    mkdir("/cores", 0700);
    evidence_open(device("/dev/vda", O_RDWR), plan.nonce);
    kernel_log_open(device("/dev/kmsg", O_RDONLY | O_NONBLOCK));
    devices();
    settings();
    report("boot", ",\"page\":%d,\"smaps\":%lu,\"at_4k\":%d,\"at_16k\":%d,\"at_64k\":%d", getpagesize(), page_of_smaps(),
        answer_at(4096), answer_at(16384), answer_at(65536));
    if (plan.page_size != (uint64_t)getpagesize())
        give_up("the page size is not the one that was asked for");
    /* Before any process under stress, however many there are of them; their own scheduling is the usual one. */
    struct sched_param first = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) < 0)
        give_up("the supervisor cannot come first");
    sigaction(SIGCHLD, &action, NULL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    for (size_t i = 0; i < plan.count; i++)
        run_process(&plan, i);
    report("done", ",\"count\":%zu", plan.count);
    power_off();
}
