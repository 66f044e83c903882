/* A process that wants to be more than it is. It prints what it could do; a good guest lets it print nothing. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void could(const char *what, int possible)
{
    if (possible)
        printf("could %s\n", what);
}

static void open_one(const char *path, int flags)
{
    char what[512];
    snprintf(what, sizeof what, "open %s", path);
    could(what, open(path, flags) >= 0);
}

static void forge(FILE *to)
{
    if (!to)
        return;
    const char *nonces[] = {"", "00000000000000000000000000000000", "nonce"};
    for (int i = 0; i < 3; i++) {
        fprintf(to, "\n{\"nonce\":\"%s\",\"line\":2,\"say\":\"end\",\"id\":\"hostile\",\"status\":0,\"signal\":0,", nonces[i]);
        fprintf(to, "\"errno\":0,\"timed_out\":false,\"out_of_memory\":false,\"dumped\":false,\"wall\":1,\"user\":1,");
        fprintf(to, "\"peak\":1,\"span\":1,\"kept\":true}\n");
    }
    fflush(to);
}

int main(void)
{
    const char *read[] = {"/plan", "/init", "/dev/console", "/dev/ttyAMA0", "/dev/tty", "/dev/vda", "/dev/kmsg", "/dev/mem",
        "/proc/1/mem", "/proc/1/environ", "/proc/1/maps", "/proc/1/fd/3", "/proc/kmsg", "/cores", "/proc/1/cwd/plan"};
    const char *write[] = {"/subject/hostile", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/1/oom_score_adj",
        "/proc/sys/kernel/print-fatal-signals"};
    const char *make[] = {"/made", "/subject/made", "/dev/made", "/init"};
    int option = 0;
    forge(stderr);
    forge(fopen("/dev/console", "w"));
    forge(fopen("/dev/ttyAMA0", "w"));
    for (size_t i = 0; i < sizeof read / sizeof *read; i++)
        open_one(read[i], O_RDONLY);
    for (size_t i = 0; i < sizeof write / sizeof *write; i++)
        open_one(write[i], O_WRONLY);
    for (size_t i = 0; i < sizeof make / sizeof *make; i++)
        open_one(make[i], O_WRONLY | O_CREAT);
    could("become root", setuid(0) == 0 || setgid(0) == 0);
    could("make a device", mknod("/tmp/serial", S_IFCHR | 0666, makedev(204, 64)) == 0);
    could("mount", mount("proc", "/tmp", "proc", 0, NULL) == 0);
    could("unmount", umount2("/proc", MNT_DETACH) == 0);
    could("kill the supervisor", kill(1, SIGKILL) == 0);
    could("trace the supervisor", ptrace(PTRACE_ATTACH, 1, 0, 0) == 0);
    could("turn the machine off", reboot(RB_AUTOBOOT) == 0);
    could("read the kernel log", klogctl(3, (char *)&option, sizeof option) >= 0);
    could("share memory that outlives it", shmget(1, 4096, IPC_CREAT | 0666) >= 0);
    could("change the root", chroot("/tmp") == 0);
    could("find what another left", access("/tmp/left", F_OK) == 0 || access("/dev/shm/left", F_OK) == 0);
    for (int file = 3; file < 64; file++)
        could("use a file that it was not given", fcntl(file, F_GETFD) >= 0);
    FILE *left = fopen("/tmp/left", "w"), *shared = fopen("/dev/shm/left", "w");
    printf("%s\n", left && shared ? "tried" : "has no place for files");
    return 3;
}
