/* SPDX-License-Identifier: MIT
 *
 * In: a folder of our own, and which payload. Out: its name there, and its file, open.
 * Refuses names from the wire, files that are there already, and links.
 *
 * This is the half of `extract` that may open files; the one that looks at packets asks for them by
 * number (broker.h).
 */
#ifndef WST_TOOL_DEPOSIT_H
#define WST_TOOL_DEPOSIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { WST_TOOL_DEPOSIT_NAME = 80 }; /* bytes of any name, with its NUL */

enum wst_tool_deposit_want {
    WST_TOOL_DEPOSIT_NEW,   /* a file that is not there */
    WST_TOOL_DEPOSIT_AGAIN, /* one that was made before, to go on behind its last byte */
    WST_TOOL_DEPOSIT_DROP   /* away with it */
};

struct wst_tool_deposit {
    uint64_t conn;
    uint64_t n;   /* the message; of a stream its part, from 1 */
    uint8_t want; /* enum wst_tool_deposit_want */
    /* 0 or not, and no bool: it comes from a process that looks at packets. */
    uint8_t from_server;
    uint8_t stream;    /* a whole direction, not a message */
    uint8_t text;      /* all of it UTF-8 */
    uint8_t beginning; /* the rest is not known */
};

/* conn1-msg4-s2c.txt, conn1-msg5-c2s.beginning.bin, conn1-s2c.bin, conn1-s2c.2.bin */
void wst_tool_deposit_name(const struct wst_tool_deposit *d, char name[WST_TOOL_DEPOSIT_NAME]);

struct wst_tool_deposits {
    int fd;     /* of the folder */
    bool given; /* new files, to … */
    uid_t uid;  /* … him */
    gid_t gid;
};

/* As root new files are given to `owner`, who is looked up once and not for each; NULL: to nobody.
 */
struct wst_tool_deposits wst_tool_deposits(int folder, const char *owner);

/* A descriptor. -1 with errno; of WST_TOOL_DEPOSIT_DROP always -1, errno 0 when it is gone. */
int wst_tool_deposit_open(const struct wst_tool_deposits *folder, const struct wst_tool_deposit *d);

#endif
