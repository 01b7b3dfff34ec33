/* SPDX-License-Identifier: MIT
 *
 * In: folders. Out: test cases. Refuses folders that lead back into themselves, or are deeper than
 * DEPTH: each is a case in trouble, and the others go on.
 */
#include "suite.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH = 16 };

static const char *const captures_end[] = {".pcap",    ".pcapng",    ".cap",
                                           ".pcap.gz", ".pcapng.gz", ".cap.gz"};
static const char *const expected_end[] = {".golden", ".rules"};
enum {
    CAPTURES_END = sizeof captures_end / sizeof *captures_end,
    EXPECTED_END = sizeof expected_end / sizeof *expected_end
};

/* -- names ------------------------------------------------------------------------------------- */

/* Length of the name without one of these endings; 0: it has none of them. */
static size_t stem(const char *name, const char *const *ends, size_t n)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < n; i++) {
        size_t end = strlen(ends[i]);
        if (length > end && strcmp(name + length - end, ends[i]) == 0) return length - end;
    }
    return 0;
}

/* folder + "/" + name[0..n) + end, owned; a folder of "" stands for none. */
static char *join(const char *folder, const char *name, size_t n, const char *end)
{
    size_t before = strlen(folder), tail = strlen(end);
    char *path = malloc(before + 1 + n + tail + 1), *at = path;

    if (path == NULL) return NULL;
    memcpy(at, folder, before);
    at += before;
    if (before && folder[before - 1] != '/') *at++ = '/';
    memcpy(at, name, n);
    memcpy(at + n, end, tail + 1);
    return path;
}

static char *copy(const char *text)
{
    return join("", text, strlen(text), "");
}

/* A full array of `*room` items of `each` bytes with twice the room; NULL: both are as they were.
 */
static void *doubled(void *array, size_t *room, size_t each)
{
    size_t more = *room ? *room * 2 : 16;
    void *p = realloc(array, more * each);
    if (p) *room = more;
    return p;
}

static struct wst_tool_case *add(struct wst_tool_suite *suite)
{
    if (suite->n == suite->room) {
        void *cases = doubled(suite->cases, &suite->room, sizeof *suite->cases);
        if (cases == NULL) {
            suite->failed = true;
            return NULL;
        }
        suite->cases = cases;
    }
    suite->cases[suite->n] = (struct wst_tool_case){.took_ns = -1};
    return &suite->cases[suite->n++];
}

void wst_tool_suite_pair(struct wst_tool_suite *suite, const char *capture, const char *expected)
{
    struct wst_tool_case *one = add(suite);

    if (one == NULL) return;
    one->name = copy(expected);
    one->capture = copy(capture);
    one->expected = copy(expected);
    if (!one->name || !one->capture || !one->expected) suite->failed = true;
}

/* -- folders ----------------------------------------------------------------------------------- */

struct names { /* of files below a folder, relative to it; owned */
    struct wst_tool_suite *suite; /* for folders that cannot be read */
    char **list;
    size_t n, room;
    bool failed;
};

static void keep(struct names *names, char *name)
{
    if (names->n == names->room) {
        void *list = doubled(names->list, &names->room, sizeof *names->list);
        if (list == NULL) {
            names->failed = true;
            free(name);
            return;
        }
        names->list = list;
    }
    names->list[names->n++] = name;
}

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->n; i++) free(names->list[i]);
    free(names->list);
}

struct level { /* a folder, and those that it is in */
    const struct level *up;
    dev_t dev;
    ino_t ino;
    int depth;
};

/* `below` the folder is one that cannot be looked into; that concerns no other case. */
static void unreadable(struct names *names, const char *below, const char *path, const char *why)
{
    struct wst_tool_case *one = add(names->suite);

    if (one == NULL) return;
    one->name = copy(below);
    one->expected = copy(path);
    wst_tool_trouble_add(&one->trouble, "%s: %s", path, why);
    if (!one->name || !one->expected) names->suite->failed = true;
}

static bool circle(const struct level *up, const struct stat *st)
{
    for (; up; up = up->up)
        if (up->dev == st->st_dev && up->ino == st->st_ino) return true;
    return false;
}

static void walk(struct names *names, const char *folder, const char *below, const char *path,
                 const struct level *level);

static void meet_folder(struct names *names, const char *folder, const char *below,
                        const char *path, const struct stat *st, const struct level *up)
{
    struct level level = {up, st->st_dev, st->st_ino, up->depth + 1};

    if (circle(up, st))
        unreadable(names, below, path, "leads back into a folder that it is in");
    else if (level.depth > DEPTH)
        unreadable(names, below, path, "more than 16 folders deep");
    else
        walk(names, folder, below, path, &level);
}

static void meet(struct names *names, const char *folder, const char *below, const char *name,
                 const struct level *level)
{
    char *relative = join(below, name, strlen(name), ""), *path;
    struct stat st;

    path = relative ? join(folder, relative, strlen(relative), "") : NULL;
    if (path == NULL) {
        names->failed = true;
    } else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        meet_folder(names, folder, relative, path, &st, level);
    } else if (stem(name, captures_end, CAPTURES_END) || stem(name, expected_end, EXPECTED_END)) {
        keep(names, relative);
        relative = NULL;
    }
    free(relative);
    free(path);
}

static void walk(struct names *names, const char *folder, const char *below, const char *path,
                 const struct level *level)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (dir == NULL) {
        unreadable(names, below, path, strerror(errno));
        return;
    }
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.') meet(names, folder, below, entry->d_name, level);
    closedir(dir);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list_folder(struct names *names, const char *folder, struct wst_tool_trouble *trouble)
{
    struct stat st;

    if (stat(folder, &st) == 0 && access(folder, R_OK | X_OK) == 0)
        walk(names, folder, "", folder, &(struct level){NULL, st.st_dev, st.st_ino, 0});
    else
        wst_tool_trouble_add(trouble, "%s: %s", folder, strerror(errno));
    if (names->failed) wst_tool_trouble_add(trouble, "out of memory");
    if (names->n) qsort(names->list, names->n, sizeof *names->list, by_name);
    return !wst_tool_trouble_is(trouble);
}

/* -- who belongs to whom ----------------------------------------------------------------------- */

/* The captures among the names that are called name[0..n): how many, and one of them. */
static size_t captures_of(const struct names *names, const char *name, size_t n, const char **one)
{
    size_t found = 0;

    for (size_t i = 0; i < CAPTURES_END; i++) {
        char *wanted = join("", name, n, captures_end[i]);
        char **at = wanted && names->n
                        ? bsearch(&wanted, names->list, names->n, sizeof *names->list, by_name)
                        : NULL;
        if (at) {
            *one = *at;
            found++;
        }
        free(wanted);
    }
    return found;
}

static void add_expected(struct wst_tool_suite *suite, const char *folder, const char *name,
                         size_t n, const char *captures, const struct names *of)
{
    struct wst_tool_case *one = add(suite);
    const char *capture = NULL;
    size_t found = captures_of(of, name, n, &capture);

    if (one == NULL) return;
    one->name = copy(name);
    one->expected = join(folder, name, strlen(name), "");
    if (found == 1)
        one->capture = join(captures, capture, strlen(capture), "");
    else if (found == 0)
        wst_tool_trouble_add(
            &one->trouble, "%s%s%s: no capture of this name (%.*s.pcap or .pcapng) in %s", folder,
            folder[strlen(folder) - 1] == '/' ? "" : "/", name, (int)n, name, captures);
    else
        wst_tool_trouble_add(&one->trouble, "%s/%s: two captures of this name in %s", folder, name,
                             captures);
    if (!one->name || !one->expected || (found == 1 && !one->capture)) suite->failed = true;
}

static bool expected_of(const struct names *names, const char *capture)
{
    size_t n = stem(capture, captures_end, CAPTURES_END);
    bool found = false;

    for (size_t i = 0; n && i < EXPECTED_END; i++) {
        char *wanted = join("", capture, n, expected_end[i]);
        found |= wanted && names->n &&
                 bsearch(&wanted, names->list, names->n, sizeof *names->list, by_name);
        free(wanted);
    }
    return found;
}

bool wst_tool_suite_folder(struct wst_tool_suite *suite, const char *folder, const char *captures,
                           void (*unexpected)(const char *capture),
                           struct wst_tool_trouble *trouble)
{
    struct names here = {.suite = suite}, there = {.suite = suite};
    const struct names *of = captures ? &there : &here;
    bool good = list_folder(&here, folder, trouble) &&
                (captures == NULL || list_folder(&there, captures, trouble));

    for (size_t i = 0; good && i < here.n; i++) {
        size_t n = stem(here.list[i], expected_end, EXPECTED_END);
        if (n) add_expected(suite, folder, here.list[i], n, captures ? captures : folder, of);
    }
    for (size_t i = 0; good && i < of->n; i++)
        if (stem(of->list[i], captures_end, CAPTURES_END) && !expected_of(&here, of->list[i]))
            unexpected(of->list[i]);
    free_names(&here);
    free_names(&there);
    return good;
}

size_t wst_tool_suite_beside(struct wst_tool_suite *suite, const char *capture)
{
    size_t n = stem(capture, captures_end, CAPTURES_END), found = 0;
    struct stat st;

    for (size_t i = 0; n && i < EXPECTED_END; i++) {
        char *expected = join("", capture, n, expected_end[i]);
        if (expected == NULL) suite->failed = true;
        if (expected && stat(expected, &st) == 0) {
            wst_tool_suite_pair(suite, capture, expected);
            found++;
        }
        free(expected);
    }
    return found;
}

void wst_tool_suite_free(struct wst_tool_suite *suite)
{
    for (size_t i = 0; i < suite->n; i++) wst_tool_case_free(&suite->cases[i]);
    free(suite->cases);
}
