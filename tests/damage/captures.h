/* SPDX-License-Identifier: MIT
 *
 * In: what the command line names. Out: capture files, one after the other, and their keys.
 */
#ifndef WST_DAMAGE_CAPTURES_H
#define WST_DAMAGE_CAPTURES_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pipeline.h"

#include <wstrace/wstrace.h>

typedef void captures_one(const char *path, size_t size);

static inline bool captures_is(const char *path)
{
    return strstr(path, ".pcap") != NULL || strstr(path, ".cap") != NULL;
}

static inline int captures_by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* A file, or the captures in a folder (depth 0), not in its folders. */
static inline void captures_each(const char *path, int depth, captures_one *one)
{
    struct stat st;
    if (stat(path, &st)) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(2);
    }
    if (S_ISREG(st.st_mode)) {
        if (depth == 0 || captures_is(path)) one(path, (size_t)st.st_size);
        return;
    }
    if (!S_ISDIR(st.st_mode) || depth > 0) return;
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, captures_by_name);
    for (int i = 0; i < n; i++) {
        char inside[4096];
        snprintf(inside, sizeof inside, "%s/%s", path, entries[i]->d_name);
        free(entries[i]);
        captures_each(inside, depth + 1, one);
    }
    if (n >= 0) free(entries);
}

/* NAME.keys beside NAME.pcap: its key log. */
static inline void captures_keys(struct wst_context *context, const char *capture)
{
    char path[4096], lines[65536];
    snprintf(path, sizeof path, "%s", capture);
    char *dot = strstr(path, ".pcap");
    if (!dot || (size_t)(path + sizeof path - dot) < sizeof ".keys") return;
    strcpy(dot, ".keys");
    FILE *file = fopen(path, "rb");
    if (!file) return;
    size_t n = fread(lines, 1, sizeof lines, file);
    fclose(file);
    wst_context_keylog(context, (struct wst_slice){(uint8_t *)lines, n}, true);
}

/* False: what it took from its budget was not given back, or more. */
static inline bool captures_free(struct wst_context *context)
{
    bool even = !context || !wst_context_empty(context);
    free(context);
    return even;
}

#endif
