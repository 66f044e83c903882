/* A first process that knows the nonce and lies. LIE says how; "p" is the plan's process, which it never runs. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static char nonce[33];
static int serial, lines;

static void say(const char *rest)
{
    char text[1024];
    int size = snprintf(text, sizeof text, "\n{\"nonce\":\"%s\",\"line\":%d,%s}\n", nonce, lines++, rest);
    write(serial, text, (size_t)size);
}

static void boot(void)
{
    int page = getpagesize();
    char text[256];
    snprintf(text, sizeof text, "\"say\":\"boot\",\"page\":%d,\"smaps\":%d,\"at_4k\":%d,\"at_16k\":%d,\"at_64k\":0", page,
        page, page > 4096 ? 22 : 0, page > 16384 ? 22 : 0);
    say(text);
}

static void begin(void)
{
    say("\"say\":\"begin\",\"id\":\"p\"");
}

static void end(int milliseconds)
{
    char text[512];
    snprintf(text, sizeof text,
        "\"say\":\"end\",\"id\":\"p\",\"status\":0,\"signal\":0,\"errno\":0,\"timed_out\":false,\"out_of_memory\":false,"
        "\"dumped\":false,\"wall\":%d,\"user\":1,\"peak\":1,\"span\":%d,\"kept\":true", milliseconds, milliseconds);
    say(text);
}

static void done(int count)
{
    char text[64];
    snprintf(text, sizeof text, "\"say\":\"done\",\"count\":%d", count);
    say(text);
}

static void off(void)
{
    tcdrain(serial);
    reboot(RB_POWER_OFF);
}

int main(void)
{
    const char *lie = LIE;
    mkdir("/dev", 0755);
    mount("dev", "/dev", "devtmpfs", 0, "");
    serial = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY);
    int plan = open("/plan", O_RDONLY);
    if (serial < 0 || read(plan, nonce, 32) != 32)
        off();
    if (!strcmp(lie, "silent"))
        for (;;)
            pause();
    if (!strcmp(lie, "flood"))
        for (char text[4096];;)
            write(serial, memset(text, 'x', sizeof text), sizeof text);
    if (!strcmp(lie, "off before boot"))
        off();
    if (!strcmp(lie, "another nonce"))
        nonce[0] = nonce[0] == '0' ? '1' : '0';
    boot();
    if (!strcmp(lie, "done at once"))
        done(0);
    if (!strcmp(lie, "done of one that never was"))
        done(1);
    if (!strcmp(lie, "end without begin"))
        end(1);
    if (!strcmp(lie, "another nonce") || !strcmp(lie, "nothing ran") || !strcmp(lie, "takes no time")
        || !strcmp(lie, "ends twice") || !strcmp(lie, "off in between") || !strcmp(lie, "hangs in between"))
        begin();
    if (!strcmp(lie, "hangs in between"))
        for (;;)
            pause();
    if (!strcmp(lie, "off in between"))
        off();
    end(!strcmp(lie, "takes no time") ? 20000 : 1);
    if (!strcmp(lie, "ends twice"))
        end(1);
    done(1);
    off();
}
