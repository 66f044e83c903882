/* Runs one process: without rights, with limits, and with nothing of it left when it has ended. */

#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_USER = 10000, TICK = 100, MOST_CORE = 128 << 20, MOST_FILES = 4096, MOST_TASKS = 512 };
enum { OUT, ERR, STREAMS };

/* What any process but the last must leave of the disk for each of those behind it: all but their cores. */
enum { SHARE = 1 << 20 };

struct run {
    pid_t pid;
    int pipes[STREAMS];
    int refused; /* the errno of execve */
    int status;
    struct rusage usage;
    bool reaped, timed_out, over_memory;
    uint64_t begun, ended, peak;
};

static struct stream streams[STREAMS], kernel_log, maps;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void fresh(const char *path, const char *options)
{
    umount2(path, MNT_DETACH);
    if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
        give_up("a tmpfs cannot be mounted");
}

/* Nobody finds anything of the process before. The kernel writes a core as the user, who may list no cores. */
static void fresh_files(void)
{
    fresh("/tmp", "size=256m,nr_inodes=65536,mode=1777");
    fresh("/dev/shm", "size=64m,nr_inodes=4096,mode=1777");
    fresh("/cores", "size=160m,nr_inodes=64,mode=0733");
}

static void limit(int what, rlim_t most)
{
    struct rlimit limit = {most, most};
    setrlimit(what, &limit);
}

static bool drop_rights(uid_t user)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return false;
    return setgroups(0, NULL) == 0 && setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0
        && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static _Noreturn void become(const struct process *process, uid_t user, int out, int err, int refusal)
{
    sigset_t none;
    sigemptyset(&none);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    bool ready = nothing >= 0 && setsid() > 0 && dup2(nothing, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2
        && write_text("/proc/self/oom_score_adj", "500");
    limit(RLIMIT_CORE, MOST_CORE);
    limit(RLIMIT_NOFILE, MOST_FILES);
    limit(RLIMIT_NPROC, MOST_TASKS);
    limit(RLIMIT_MSGQUEUE, 0);
    if (ready && drop_rights(user) && chdir("/tmp") == 0 && signal(SIGCHLD, SIG_DFL) != SIG_ERR
        && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        execve(process->argv[0], process->argv, process->environment);
    int why = errno ? errno : EPERM;
    while (write(refusal, &why, sizeof why) < 0 && errno == EINTR)
        ;
    _exit(126);
}

static void start(struct run *run, const struct process *process, uid_t user)
{
    int out[2], err[2], refusal[2];
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 || pipe2(refusal, O_CLOEXEC) < 0)
        give_up("there are no pipes");
    run->begun = now();
    run->pid = fork();
    if (run->pid < 0)
        give_up("the process cannot be forked");
    if (run->pid == 0)
        become(process, user, out[1], err[1], refusal[1]);
    close(out[1]);
    close(err[1]);
    close(refusal[1]);
    if (read(refusal[0], &run->refused, sizeof run->refused) != sizeof run->refused)
        run->refused = 0;
    close(refusal[0]);
    run->pipes[OUT] = out[0];
    run->pipes[ERR] = err[0];
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
}

/* Takes one piece; false where there is none now. */
static bool take(struct run *run, int which)
{
    static char piece[65536];
    ssize_t got = run->pipes[which] < 0 ? -1 : read(run->pipes[which], piece, sizeof piece);
    if (got > 0)
        stream_add(&streams[which], piece, (size_t)got);
    if (got == 0) {
        close(run->pipes[which]);
        run->pipes[which] = -1;
    }
    return got > 0;
}

static void reap(struct run *run, int options)
{
    int status;
    struct rusage usage;
    for (pid_t pid; (pid = wait4(-1, &status, options, &usage)) > 0;)
        if (pid == run->pid) {
            run->ended = now();
            run->status = status;
            run->usage = usage;
            run->reaped = true;
        }
}

/* Signals from process 1 to -1 reach all but itself; while one is pending nothing can fork. */
static void kill_all(struct run *run)
{
    do {
        kill(-1, SIGKILL);
        reap(run, 0);
    } while (errno != ECHILD);
}

static void look_at_memory(struct run *run, const struct process *process)
{
    uint64_t bytes = resident();
    if (bytes > run->peak)
        run->peak = bytes;
    run->over_memory = bytes > process->memory;
}

static void attend(struct run *run, const struct process *process)
{
    sigset_t none;
    sigemptyset(&none);
    uint64_t deadline = run->begun + process->milliseconds, look = run->begun;
    for (;;) {
        struct timespec tick = {0, TICK * 1000000L};
        struct pollfd both[STREAMS] = {{run->pipes[OUT], POLLIN, 0}, {run->pipes[ERR], POLLIN, 0}};
        /* SIGCHLD is let through only here, so none is missed. */
        ppoll(both, STREAMS, &tick, &none);
        take(run, OUT);
        take(run, ERR);
        reap(run, WNOHANG);
        if (run->reaped)
            return;
        if (now() >= look) {
            look_at_memory(run, process);
            look = now() + TICK;
        }
        if (run->over_memory)
            return;
        if (now() >= deadline) {
            run->timed_out = true;
            describe_processes(&maps, run->pid);
            return;
        }
    }
}

static int open_core(const struct run *run)
{
    char path[64];
    snprintf(path, sizeof path, "/cores/core.%d", run->pid);
    int core = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat about;
    if (core >= 0 && (fstat(core, &about) < 0 || !S_ISREG(about.st_mode))) {
        close(core);
        core = -1;
    }
    return core;
}

/* Whether everything but the core is safe on the disk. */
static bool keep_evidence(const struct run *run, size_t index, size_t left)
{
    uint32_t process = (uint32_t)index;
    bool kept = evidence_stream(process, STDOUT, &streams[OUT]) && evidence_stream(process, STDERR, &streams[ERR])
        && evidence_stream(process, KERNEL_LOG, &kernel_log) && evidence_stream(process, MAPS, &maps);
    bool dumped = run->reaped && WIFSIGNALED(run->status) && WCOREDUMP(run->status);
    int core = kept && dumped ? open_core(run) : -1;
    if (core >= 0) {
        evidence_core(process, core, left * SHARE);
        close(core);
    }
    return evidence_flush() && kept;
}

void run_process(const struct plan *plan, size_t index)
{
    const struct process *process = &plan->processes[index];
    struct run run = {.pipes = {-1, -1}};
    for (int which = 0; which < STREAMS; which++) {
        if (!streams[which].head)
            stream_make(&streams[which], MOST_OUTPUT);
        stream_clear(&streams[which]);
    }
    if (!maps.head) {
        stream_make(&maps, MOST_MAPS);
        stream_make(&kernel_log, MOST_KERNEL_LOG);
    }
    stream_clear(&maps);
    stream_clear(&kernel_log);
    fresh_files();
    kernel_log_skip();
    uint64_t kills = oom_kills(), opened = now();
    report("begin", ",\"id\":\"%s\"", process->id);
    start(&run, process, FIRST_USER + (uid_t)index);
    attend(&run, process);
    kill_all(&run);
    while (take(&run, OUT) || take(&run, ERR))
        ;
    for (int which = 0; which < STREAMS; which++)
        if (run.pipes[which] >= 0)
            close(run.pipes[which]);
    kernel_log_read(&kernel_log);
    bool killed_for_memory = oom_kills() > kills;
    bool kept = keep_evidence(&run, index, plan->count - index);
    uint64_t most = (uint64_t)run.usage.ru_maxrss * 1024;
    report("end",
        ",\"id\":\"%s\",\"status\":%d,\"signal\":%d,\"errno\":%d,\"timed_out\":%s,\"out_of_memory\":%s,\"dumped\":%s"
        ",\"wall\":%lu,\"user\":%lu,\"peak\":%lu,\"span\":%lu,\"kept\":%s",
        process->id, run.refused || !WIFEXITED(run.status) ? -1 : WEXITSTATUS(run.status),
        WIFSIGNALED(run.status) ? WTERMSIG(run.status) : 0, run.refused, run.timed_out ? "true" : "false",
        run.over_memory || killed_for_memory ? "true" : "false",
        WIFSIGNALED(run.status) && WCOREDUMP(run.status) ? "true" : "false", run.ended - run.begun,
        (uint64_t)run.usage.ru_utime.tv_sec * 1000 + (uint64_t)run.usage.ru_utime.tv_usec / 1000,
        most > run.peak ? most : run.peak, now() - opened, kept ? "true" : "false");
}
