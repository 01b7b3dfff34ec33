/* SPDX-License-Identifier: MIT
 *
 * Runs a fuzz target without libFuzzer. In: files, and folders of files (not their subfolders).
 * Out: nothing but the number of inputs; the sanitizers do the talking. A folder that does not
 * exist counts as empty: a target may have no corpus yet.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static unsigned long inputs;

/* The bytes end where the allocation ends, so that one byte too many is noticed. */
static int replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    uint8_t *p = malloc(size ? size : 1);
    size_t n = p ? fread(p, 1, size, file) : 0;
    fclose(file);
    if (p && n == size) {
        LLVMFuzzerTestOneInput(p, n);
        inputs++;
    }
    free(p);
    return p && n == size ? 0 : 1;
}

static int replay(const char *path, int depth)
{
    struct stat st;
    if (stat(path, &st)) return depth == 0 && errno == ENOENT ? 0 : 1;
    if (S_ISREG(st.st_mode)) return replay_file(path, (size_t)st.st_size);
    if (!S_ISDIR(st.st_mode) || depth > 0) return 0;

    DIR *dir = opendir(path);
    if (!dir) return 1;
    int failed = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char inside[4096];
        int n = snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        if (n > 0 && (size_t)n < sizeof inside) failed |= replay(inside, depth + 1);
    }
    closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    static const uint8_t nothing[1];
    LLVMFuzzerTestOneInput(nothing, 0);
    int failed = 0;
    for (int i = 1; i < argc; i++) failed |= replay(argv[i], 0);
    printf("%lu inputs\n", inputs);
    return failed;
}
