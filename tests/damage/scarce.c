/* SPDX-License-Identifier: MIT
 *
 * In: capture files. Out: nothing, unless something goes wrong when the library asks for memory and
 * gets none: a crash, a leak (a sanitizer watches), a message that nobody sent, or one that is
 * missing without a word.
 *
 *     scarce [--points N] [--case K] [--verbose] FILE|FOLDER…
 *
 * Each capture is read once with all the memory it likes; then once for each of up to N requests,
 * spread evenly, of which that one is refused, and again with that one and all behind it refused.
 * Two of four cases keep what compressed connections wait for in batches, every fifth has threads.
 * A case is told by its number; --case repeats one of each file.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "captures.h"

/* -- requests ------------------------------------------------------------------------------- */

static atomic_bool armed; /* the library's requests are counted, not ours */
static atomic_ulong asked;
static unsigned long refuse_from, refuse_upto; /* numbers of requests */

static bool refused(void)
{
    if (!atomic_load(&armed)) return false;
    unsigned long k = atomic_fetch_add(&asked, 1) + 1;
    return k >= refuse_from && k <= refuse_upto;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t n)
{
    return refused() ? NULL : __real_malloc(n);
}
void *__wrap_calloc(size_t n, size_t size)
{
    return refused() ? NULL : __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t n)
{
    return refused() ? NULL : __real_realloc(p, n);
}
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return refused() ? NULL : __real_aligned_alloc(align, n);
}
char *__wrap_strdup(const char *s)
{
    return refused() ? NULL : __real_strdup(s);
}

/* -- what is told --------------------------------------------------------------------------- */

struct hashes {
    uint64_t *all;
    size_t n, room;
};

enum { CONNS = 4096 };

struct told {
    struct hashes messages; /* those that are certain and whole */
    struct hashes
        excuses;  /* problems, gaps, troubles, messages that are not whole or not certain */
    struct hashes picked_up; /* of `messages`, those of which it is said that … */
    bool unsure[CONNS];      /* … their connections were recognised without a handshake */
    bool ended;   /* stats came */
    bool refused; /* it could not even begin, and said so */
    bool even;    /* the budget was given back */
};

static uint64_t hash(uint64_t h, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    while (n--) h = (h ^ *p++) * 0x100000001b3;
    return h;
}

static void keep(struct hashes *h, uint64_t value)
{
    if (h->n == h->room) {
        h->room = h->room ? 2 * h->room : 256;
        h->all = __real_realloc(h->all, h->room * sizeof *h->all);
        if (!h->all) abort();
    }
    h->all[h->n++] = value;
}

static void on_event(void *user, const struct wst_event *e)
{
    struct told *t = user;
    const struct wst_event_message *m = &e->message;
    uint64_t h = hash(hash(0, &e->type, sizeof e->type), &e->dir, sizeof e->dir);
    switch (e->type) {
    case WST_EVENT_MESSAGE:
        h = hash(hash(h, &m->opcode, sizeof m->opcode), m->payload.p, m->payload.n);
        keep(m->certain && !m->omitted ? &t->messages : &t->excuses, h);
        if (t->unsure[e->conn % CONNS]) keep(&t->picked_up, h);
        break;
    case WST_EVENT_PROBLEM:
        if (e->problem.problem == WST_PROBLEM_HANDSHAKE_PICKED_UP)
            t->unsure[e->conn % CONNS] = true;
        h = hash(h, &e->problem.problem, sizeof e->problem.problem);
        keep(&t->excuses, hash(h, e->problem.detail, strlen(e->problem.detail)));
        break;
    case WST_EVENT_GAP: keep(&t->excuses, hash(h, &e->gap.bytes, sizeof e->gap.bytes)); break;
    case WST_EVENT_STATS: t->ended = true; break;
    default: break;
    }
}

static int by_value(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return a < b ? -1 : a > b;
}

static void sort(struct hashes *h)
{
    if (h->n) qsort(h->all, h->n, sizeof *h->all, by_value);
}

static bool is_among(uint64_t value, const struct hashes *h)
{
    return h->n && bsearch(&value, h->all, h->n, sizeof *h->all, by_value);
}

/* One that was not told when there was memory. */
static bool excused(const struct hashes *told, const struct hashes *all)
{
    for (size_t i = 0; i < told->n; i++)
        if (!is_among(told->all[i], all)) return true;
    return false;
}

/* -- the whole way -------------------------------------------------------------------------- */

struct way {
    struct told *told;
    struct wst_context *context;
    struct wst_listener json;
};

static void on_both(void *user, const struct wst_event *e)
{
    struct way *w = user;
    w->json.event(w->json.user, e);
    on_event(w->told, e);
}

static int on_packets(void *user, const struct wst_packet *packets, size_t n)
{
    wst_context_packets(((struct way *)user)->context, packets, n);
    return 0;
}

static int on_packet(void *user, const struct wst_packet *packet)
{
    return on_packets(user, packet, 1);
}

static void on_secrets(void *user, uint32_t type, struct wst_slice bytes)
{
    (void)type;
    wst_context_keylog(((struct way *)user)->context, bytes, true);
}

static void on_trouble(void *user, const char *source, uint64_t pkt, uint64_t byte,
                       const char *what)
{
    (void)source, (void)pkt, (void)byte;
    keep(&((struct way *)user)->told->excuses, hash(0, what, strlen(what)));
}

static int take(void *user, const uint8_t *bytes, size_t n)
{
    (void)user, (void)bytes, (void)n;
    return 0;
}

static void read_capture(struct way *w, struct wst_capture *capture, const char *path)
{
    char error[WST_CAPTURE_ERROR_SIZE] = "";
    struct wst_event_meta meta = {.sources = &path, .sources_n = 1};
    struct wst_capture_sink sink = {.user = w,
                                    .packet = on_packet,
                                    .packets = on_packets,
                                    .secrets = on_secrets,
                                    .trouble = on_trouble};
    if (wst_capture_open(capture, error) != 0) {
        w->told->refused = error[0] != '\0';
        return;
    }
    captures_keys(w->context, path);
    meta.link_types = wst_capture_link_types(capture, &meta.link_types_n);
    wst_context_begin(w->context, &meta);
    wst_capture_run(capture, &sink);
    wst_context_finish(w->context, NULL);
}

static void on_wire(void *user, const struct wst_wire_frame *frame)
{
    (void)user, (void)frame;
}

static void run(const char *path, unsigned long number, struct told *told)
{
    struct wst_options o;
    struct way w = {.told = told};
    struct wst_wire wire = {.frame = on_wire};
    struct wst_listener listener = {.user = &w, .event = on_both};
    wst_options_init(&o);
    o.hash_seed[0] = o.hash_seed[1] = 1;
    o.batch = number / 2 % 2 ? 64 : 0;
    o.batch_from = 0;
    o.jobs = number % 5 == 0 ? 2 : 1;
    o.wire = number % 3 == 0 ? &wire : NULL;
    told->messages.n = told->excuses.n = told->picked_up.n = 0;
    memset(told->unsure, 0, sizeof told->unsure);
    told->ended = told->refused = false;

    atomic_store(&asked, 0);
    atomic_store(&armed, true);
    struct wst_capture *capture = wst_capture_new();
    struct wst_render *json = wst_render_json_new(take, NULL);
    if (json) w.json = wst_render_listener(json);
    w.context = json ? wst_context_new(&o, &listener) : NULL;
    told->refused = !capture || !w.context || wst_capture_add_file(capture, path, NULL) != 0;
    if (!told->refused) read_capture(&w, capture, path);
    told->even = captures_free(w.context);
    if (json) wst_render_flush(json);
    wst_render_free(json);
    wst_capture_free(capture);
    atomic_store(&armed, false);
}

/* -- the judgement -------------------------------------------------------------------------- */

static unsigned long only; /* case; 0: all */
static unsigned long points = 16;
static bool verbose;
static unsigned long cases, failures;

static void fail(const char *path, unsigned long number, const char *what)
{
    fprintf(stderr, "scarce: %s: case %lu, requests %lu to %ld of it refused: %s\n", path, number,
            refuse_from, (long)refuse_upto, what);
    failures++;
}

static void judge(const char *path, unsigned long number, const struct told *all, struct told *told)
{
    cases++;
    if (!told->even) fail(path, number, "the budget does not come to 0");
    if (told->refused) return;
    if (!told->ended) fail(path, number, "it has no end");
    sort(&told->picked_up);
    /* A refusal that could not be read may have a frame for a body (07_h2_refused); it is said that
     * it could not. */
    for (size_t i = 0; i < told->messages.n; i++)
        if (!is_among(told->messages.all[i], &all->messages) &&
            !is_among(told->messages.all[i], &told->picked_up)) {
            fail(path, number, "a message that nobody sent");
            return;
        }
    if (told->messages.n < all->messages.n && !excused(&told->excuses, &all->excuses))
        fail(path, number, "messages are missing without a word");
}

static void try_file(const char *path, size_t size)
{
    static struct told all, told;
    unsigned long requests, number = 0;
    (void)size;
    refuse_from = refuse_upto = 0;
    run(path, 1, &all);
    requests = atomic_load(&asked);
    if (!requests) fail(path, number, "it asks for nothing: this test tests nothing");
    sort(&all.messages);
    sort(&all.excuses);
    if (verbose)
        printf("%s: %lu requests, %zu messages, %zu excuses\n", path, requests, all.messages.n,
               all.excuses.n);
    for (unsigned long i = 0; i < points; i++)
        for (int forever = 0; forever < 2; forever++) {
            if (i && i * requests / points == (i - 1) * requests / points) continue;
            number++;
            if (only && number != only) continue;
            refuse_from = i * requests / points + 1;
            refuse_upto = forever ? ~0ul : refuse_from;
            run(path, number, &told);
            judge(path, number, &all, &told);
        }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--points") == 0 && i + 1 < argc)
            points = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--case") == 0 && i + 1 < argc)
            only = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--verbose") == 0)
            verbose = true;
        else
            captures_each(argv[i], 0, try_file);
    if (!cases) fprintf(stderr, "scarce: no captures\n");
    printf("%lu cases, %lu failures\n", cases, failures);
    return failures || !cases;
}
