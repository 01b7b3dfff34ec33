/* SPDX-License-Identifier: MIT
 *
 * In: the interfaces of this machine. Out: the list of -D; the name behind a number.
 * Refuses nothing; names are made safe before they are shown.
 */
#include "devices.h"

#include "output.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wstrace/capture.h>

/* "1.eth0 (description)", as tcpdump writes it. */
static void show(void *user, int number, const char *name, const char *text)
{
    char safe[512];

    (void)user;
    wst_tool_safe(safe, sizeof safe, name, strlen(name));
    printf("%d.%s", number, safe);
    if (text && *text) {
        wst_tool_safe(safe, sizeof safe, text, strlen(text));
        printf(" (%s)", safe);
    }
    putchar('\n');
}

int wst_tool_devices_list(void)
{
    char error[WST_CAPTURE_ERROR_SIZE];

    if (wst_capture_devices(show, NULL, error) == 0) return wst_tool_stdout_done();
    wst_tool_say("%s", error);
    return WST_TOOL_TROUBLE;
}

/* "  EN10MB (Ethernet)", as tcpdump writes it. */
static void show_link_type(void *user, const char *name, const char *text)
{
    (void)user;
    printf("  %s%s%s%s\n", name, text ? " (" : "", text ? text : "", text ? ")" : "");
}

int wst_tool_devices_link_types(const char *device)
{
    char error[WST_CAPTURE_ERROR_SIZE], name[WST_TOOL_DEVICE_SIZE], safe[512];
    const char *found = wst_tool_devices_name(device ? device : "1", name);

    wst_tool_safe(safe, sizeof safe, found, strlen(found));
    printf("Data link types for %s (use option -y to set):\n", safe);
    if (wst_capture_device_link_types(found, show_link_type, NULL, error) == 0)
        return wst_tool_stdout_done();
    fflush(stdout);
    wst_tool_say("%s", error);
    return WST_TOOL_TROUBLE;
}

struct search {
    long number;
    char *name;
};

static void compare(void *user, int number, const char *name, const char *text)
{
    struct search *search = user;

    (void)text;
    if (number == search->number && strlen(name) < WST_TOOL_DEVICE_SIZE) strcpy(search->name, name);
}

const char *wst_tool_devices_name(const char *word, char name[WST_TOOL_DEVICE_SIZE])
{
    char error[WST_CAPTURE_ERROR_SIZE];
    struct search search = {strtol(word, NULL, 10), name};

    name[0] = '\0';
    if (*word == '\0' || word[strspn(word, "0123456789")] != '\0') return word;
    if (wst_capture_devices(compare, &search, error) != 0) return word;
    return name[0] ? name : word;
}
