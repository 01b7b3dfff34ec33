/* SPDX-License-Identifier: MIT
 *
 * In: the names of a capture and of what is expected of it. Out: the capture, open.
 * Refuses what is something else than its place says.
 */
#include "case.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- what a file is ---------------------------------------------------------------------------- */

/* The first bytes of a file. What is read from a pipe is gone, so of one there are none. */
static size_t beginning(const char *name, uint8_t *to, size_t room)
{
    struct stat st;
    bool file = strcmp(name, "-") != 0 && stat(name, &st) == 0 && S_ISREG(st.st_mode);
    int fd = file ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read(fd, to, room) : 0;

    if (fd >= 0) close(fd);
    return n > 0 ? (size_t)n : 0;
}

bool wst_tool_case_is_golden(const char *name)
{
    uint8_t begin[32];

    return wst_golden_is((struct wst_slice){begin, beginning(name, begin, sizeof begin)});
}

static bool is_capture(const char *name)
{
    static const uint8_t magics[][4] = {
        {0x0a, 0x0d, 0x0d, 0x0a},                           /* pcapng */
        {0xd4, 0xc3, 0xb2, 0xa1}, {0xa1, 0xb2, 0xc3, 0xd4}, /* pcap */
        {0x4d, 0x3c, 0xb2, 0xa1}, {0xa1, 0xb2, 0x3c, 0x4d}, /* with nanoseconds */
        {0x1f, 0x8b, 0x08, 0x00}, {0x1f, 0x8b, 0x08, 0x08}, /* gzip */
    };
    uint8_t begin[4];

    if (beginning(name, begin, sizeof begin) < sizeof begin) return false;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (memcmp(begin, magics[i], sizeof begin) == 0) return true;
    return false;
}

/* -- what is expected -------------------------------------------------------------------------- */

/* A golden's head may name the filter that its capture is opened with, long before it is read. */
static char *filter_of(const char *golden)
{
    enum { HEAD = 64 << 10 };
    uint8_t *text = wst_tool_case_is_golden(golden) ? malloc(HEAD) : NULL;
    size_t n = text ? beginning(golden, text, HEAD) : 0;
    struct wst_check_error error;
    struct wst_session *head = NULL;
    const char *filter = NULL;
    char *found;

    while (n && text[n - 1] != '\n') n--;
    if (n) head = wst_golden_read((struct wst_slice){text, n}, WST_CHECK_MEMORY, &error);
    if (head) filter = wst_check_filter(wst_session_settings(head));
    found = filter ? strdup(filter) : NULL;
    wst_session_free(head);
    free(text);
    return found;
}

/* What a shell writes for <(...) is a link, and open already. */
void wst_tool_case_await(struct wst_tool_case *c)
{
    struct stat st;

    if (lstat(c->expected, &st) != 0 || !S_ISFIFO(st.st_mode)) {
        c->filter = filter_of(c->expected);
        return;
    }
    c->pipe = open(c->expected, O_RDONLY | O_CLOEXEC);
    c->piped = c->pipe >= 0;
    if (!c->piped) wst_tool_trouble_add(&c->trouble, "%s: %s", c->expected, strerror(errno));
}

/* -- captures ---------------------------------------------------------------------------------- */

struct wst_capture *wst_tool_case_capture(const char *capture, const struct wst_tool_source *source,
                                          struct wst_tool_trouble *trouble)
{
    if (!wst_tool_case_is_golden(capture)) return wst_tool_feed_open(capture, source, trouble);
    wst_tool_trouble_add(trouble, "%s: is a golden, not a capture", capture);
    return NULL;
}

/* The two names the wrong way round are the commonest slip, two captures the next. */
static const char *crossed(const struct wst_tool_case *c)
{
    bool capture = is_capture(c->expected);

    if (wst_tool_case_is_golden(c->capture)) return "is a golden; the capture comes first";
    if (capture && is_capture(c->capture))
        return "is a capture, no golden and no rules; wstrace diff compares two captures";
    return capture ? "is a capture, which comes first" : NULL;
}

/* -f is for all goldens, and counts more. */
static struct wst_tool_source own_source(const struct wst_tool_case *c,
                                         const struct wst_tool_source *source)
{
    struct wst_tool_source own = *source;

    if (own.filter || c->filter == NULL) return own;
    own.filter = c->filter;
    own.golden = c->expected;
    return own;
}

void wst_tool_case_open(struct wst_tool_case *c, const struct wst_tool_source *source)
{
    struct wst_tool_source own = own_source(c, source);
    const char *wrong = wst_tool_trouble_is(&c->trouble) ? NULL : crossed(c);

    if (wrong)
        wst_tool_trouble_add(&c->trouble, "%s: %s",
                             wst_tool_case_is_golden(c->capture) ? c->capture : c->expected, wrong);
    if (wst_tool_trouble_is(&c->trouble)) return;
    c->input = wst_tool_feed_open(c->capture, &own, &c->trouble);
}
