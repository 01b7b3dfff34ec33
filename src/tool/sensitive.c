/* SPDX-License-Identifier: MIT
 *
 * In: bytes of a capture file that is being written. Out: the file, for its owner's eyes only.
 * Refuses to write into an input, or to standard output.
 */
#include "sensitive.h"

#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BUFFER = 256 * 1024 };

/* It may have been there, open to all. But a device is everybody's: /dev/null stays so. */
static void make_private(int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && !S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)) fchmod(fd, 0600);
}

int wst_tool_sensitive_open(struct wst_tool_sensitive *file, const char *name, const char *owner,
                            const char *what, const char *const *inputs, size_t inputs_n)
{
    mode_t before;
    int status;

    if (name == NULL) return 0;
    if (strcmp(name, "-") == 0)
        return wst_tool_misuse("%s is not written to standard output: name a file", what);
    before = umask(077);
    status = wst_tool_output_open(&file->output, name, owner, inputs, inputs_n);
    umask(before);
    if (status) return status;
    make_private(file->output.fd);
    file->buf = malloc(BUFFER);
    if (file->buf == NULL) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    return 0;
}

static void flush(struct wst_tool_sensitive *file)
{
    wst_tool_output_write(&file->output, file->buf, file->n);
    file->n = 0;
}

void wst_tool_sensitive_put(struct wst_tool_sensitive *file, const void *p, size_t n)
{
    if (n > BUFFER - file->n) flush(file);
    if (n > BUFFER) {
        wst_tool_output_write(&file->output, p, n);
        return;
    }
    if (n) memcpy(file->buf + file->n, p, n);
    file->n += n;
}

int wst_tool_sensitive_close(struct wst_tool_sensitive *file)
{
    int status = 0;

    if (file->buf == NULL) return 0;
    flush(file);
    status = wst_tool_output_close(&file->output);
    explicit_bzero(file->buf, BUFFER);
    free(file->buf);
    file->buf = NULL;
    return status;
}
