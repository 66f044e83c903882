/* Lines on the serial port. Each carries the nonce, which nothing but this process knows, and its own number. */

#include "supervisor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

static int serial = -1;
static const char *nonce = "";
static unsigned lines;

void report_open(int to, const char *with)
{
    serial = to;
    nonce = with;
}

void report(const char *say, const char *format, ...)
{
    char text[2048];
    /* The newline before it closes whatever the kernel may have left on the line. */
    int used = snprintf(text, sizeof text, "\n{\"nonce\":\"%s\",\"line\":%u,\"say\":\"%s\"", nonce, lines++, say);
    va_list arguments;
    va_start(arguments, format);
    used += vsnprintf(text + used, sizeof text - (size_t)used - 3, format, arguments);
    va_end(arguments);
    used += snprintf(text + used, 3, "}\n");
    for (const char *at = text; used > 0;) {
        ssize_t written = write(serial, at, (size_t)used);
        if (written < 0 && errno != EINTR)
            return;
        if (written > 0) {
            at += written;
            used -= (int)written;
        }
    }
    tcdrain(serial);
}

void give_up(const char *what)
{
    report("trouble", ",\"what\":\"%s\",\"errno\":%d", what, errno);
    power_off();
}

void power_off(void)
{
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
