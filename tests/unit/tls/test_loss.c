/* SPDX-License-Identifier: MIT
 *
 * Loss and damage inside TLS: each piece of a session is left out in turn, each record is damaged
 * in turn. What is read is never wrong, and nothing is missing but what was touched.
 */
#include "guard.h"
#include "peers.h"
#include "room.h"

#define T13 TLS1_3_VERSION
#define T12 TLS1_2_VERSION

enum { HEAD = 5, RECORDS = 512 };

/* clang-format off */
static const struct peers_terms all[] = {
    {.name = "1.3 AES-128-GCM", .version = T13, .cipher = "TLS_AES_128_GCM_SHA256"},
    {.name = "1.3 ChaCha20, dull", .version = T13, .cipher = "TLS_CHACHA20_POLY1305_SHA256", .dull = true},
    {.name = "1.3 key updates", .version = T13, .cipher = "TLS_AES_256_GCM_SHA384", .updates = true, .dull = true},
    {.name = "1.3 padding", .version = T13, .cipher = "TLS_AES_128_CCM_SHA256", .padding = true, .dull = true},
    {.name = "1.3 small records", .version = T13, .cipher = "TLS_AES_128_GCM_SHA256", .small = true},
    {.name = "1.2 GCM", .version = T12, .cipher = "ECDHE-RSA-AES128-GCM-SHA256"},
    {.name = "1.2 ChaCha20, dull", .version = T12, .cipher = "ECDHE-RSA-CHACHA20-POLY1305", .dull = true},
    {.name = "1.2 CBC, EtM", .version = T12, .cipher = "ECDHE-RSA-AES128-SHA", .dull = true},
    {.name = "1.2 CBC, MtE", .version = T12, .cipher = "ECDHE-RSA-AES256-SHA384", .no_etm = true},
    {.name = "1.2 renegotiation", .version = T12, .cipher = "ECDHE-RSA-AES128-GCM-SHA256", .renegotiates = true, .dull = true},
    {.name = "1.0 CBC, EtM", .version = TLS1_VERSION, .cipher = "AES128-SHA", .dull = true},
    {.name = "1.0 CBC", .version = TLS1_VERSION, .cipher = "AES128-SHA", .no_etm = true, .dull = true},
};
/* clang-format on */

struct record {          /* of one direction */
    size_t at, n;        /* in its bytes, head and body */
    uint64_t chunk;      /* of the talk, in which it ends */
    size_t said, said_n; /* its plaintext, in what the direction said; none: n 0 */
};

struct session {
    const struct peers_terms *terms;
    struct peers_talk talk[2];
    struct record records[2][RECORDS];
    size_t records_n[2], bytes[2];
    size_t handshake[2]; /* bytes of a direction before its first application data */
};

static void push_record(struct room *r, const struct session *s, int dir, size_t chunk, size_t at,
                        size_t n)
{
    (void)s;
    room_push(r, (enum wst_dir)dir, s->talk[0].wire.p + s->talk[0].chunks[chunk].at + at, n);
}

/* Learns which record says what, by pushing one at a time. No record spans chunks: libssl writes
 * whole ones. */
static void learn(struct session *s)
{
    struct room r;
    size_t said[2] = {0, 0};
    room_init(&r);
    room_keys(&r, (const char *)s->talk[0].keylog.p);
    for (size_t i = 0; i < s->talk[0].chunks_n; i++) {
        const struct peers_chunk *c = &s->talk[0].chunks[i];
        const uint8_t *p = s->talk[0].wire.p + c->at;
        for (size_t at = 0; at < c->n;) {
            size_t n = HEAD + (size_t)wst_be16(p + at + 3), before = r.n;
            assert_true(at + n <= c->n && s->records_n[c->dir] < RECORDS);
            push_record(&r, s, c->dir, i, at, n);
            s->records[c->dir][s->records_n[c->dir]++] =
                (struct record){s->bytes[c->dir], n, i, said[c->dir], r.n - before};
            if (r.n == before && !said[c->dir]) s->handshake[c->dir] = s->bytes[c->dir] + n;
            said[c->dir] += r.n - before;
            s->bytes[c->dir] += n;
            at += n;
        }
    }
    assert_int_equal(said[0], s->talk[0].said[0].n);
    assert_int_equal(said[1], s->talk[0].said[1].n);
    room_free(&r);
}

static void session_init(struct session *s, const struct peers_terms *terms)
{
    memset(s, 0, sizeof *s);
    s->terms = terms;
    peers_talk(terms, s->talk);
    learn(s);
}

struct hole { /* of a direction's bytes */
    size_t from, n;
};

/* Pushes all but two holes of a direction, the second behind the first, in pieces that end where
 * the holes do. */
static void feed_without(struct room *r, const struct session *s, int hole,
                         const struct hole holes[2], size_t piece)
{
    size_t at[2] = {0, 0};
    for (size_t i = 0; i < s->talk[0].chunks_n; i++) {
        const struct peers_chunk *c = &s->talk[0].chunks[i];
        int dir = c->dir;
        for (size_t k = 0; k < c->n;) {
            size_t step = c->n - k < piece ? c->n - k : piece, here = at[dir];
            bool second = here >= holes[0].from + holes[0].n && holes[1].n;
            size_t from = holes[second].from, n = holes[second].n;
            bool lost = dir == hole && here >= from && here < from + n;
            if (lost && step > from + n - here) step = from + n - here;
            if (dir == hole && here < from && here + step > from) step = from - here;
            if (!lost)
                room_push(r, (enum wst_dir)dir, s->talk[0].wire.p + c->at + k, step);
            else if (here + step == from + n || here + step == s->bytes[dir])
                room_gap(r, (enum wst_dir)dir, here + step - from);
            k += step;
            at[dir] += step;
        }
    }
    room_end(r);
}

/* Every byte that was read stands where it was said: the pieces, in their order, are those of the
 * records not in `touched`; `spared` records may be missing, too. */
static void check(const struct room *r, const struct session *s, int dir, const bool *touched,
                  const bool *spared)
{
    const struct peers_buf *said = &s->talk[0].said[dir];
    size_t next = 0;
    for (size_t i = 0; i < s->records_n[dir]; i++) {
        const struct record *record = &s->records[dir][i];
        if (!record->said_n) continue;
        while (next < r->pieces_n && (r->pieces[next].dir != dir || r->pieces[next].lost)) next++;
        const struct room_piece *p = next < r->pieces_n ? &r->pieces[next] : NULL;
        bool here = p && p->n == record->said_n &&
                    memcmp(r->bytes + p->at, said->p + record->said, p->n) == 0;
        if (here) {
            next++;
            continue;
        }
        if (!touched[i] && !spared[i])
            fail_msg("%s, direction %d: record %zu of %zu (%zu bytes at %zu) was not read; %s",
                     s->terms->name, dir, i, s->records_n[dir], record->n, record->at, r->detail);
    }
    while (next < r->pieces_n && (r->pieces[next].dir != dir || r->pieces[next].lost)) next++;
    if (next < r->pieces_n)
        fail_msg("%s, direction %d: %zu bytes that nobody said", s->terms->name, dir,
                 r->pieces[next].n);
}

/* The losses told between the pieces cover what is missing there. */
static void check_told(const struct room *r, const struct session *s, int dir)
{
    const struct peers_buf *said = &s->talk[0].said[dir];
    size_t at = 0, record = 0;
    uint64_t told = 0;
    bool exact = true;
    for (size_t i = 0; i < r->pieces_n; i++) {
        const struct room_piece *p = &r->pieces[i];
        if (p->dir != dir) continue;
        if (p->lost) {
            told += p->n;
            exact &= p->exact;
            continue;
        }
        size_t missing = 0;
        for (; record < s->records_n[dir]; record++) {
            const struct record *k = &s->records[dir][record];
            if (k->said_n == p->n && memcmp(said->p + k->said, r->bytes + p->at, p->n) == 0) break;
            missing += k->said_n;
        }
        record++;
        if (missing > told || (exact && missing != told))
            fail_msg("%s, direction %d: %zu bytes are missing at %zu, %llu were told%s",
                     s->terms->name, dir, missing, at, (unsigned long long)told,
                     exact ? " (exactly)" : "");
        at += missing + p->n;
        told = 0;
        exact = true;
    }
    if (said->n - at > told)
        fail_msg("%s, direction %d: %zu bytes are missing at the end, %llu were told",
                 s->terms->name, dir, said->n - at, (unsigned long long)told);
}

static void touch(const struct session *s, int dir, size_t from, size_t n, bool *touched)
{
    for (size_t i = 0; i < s->records_n[dir]; i++) {
        const struct record *k = &s->records[dir][i];
        touched[i] |= k->at < from + n && from < k->at + k->n;
    }
}

/* TLS 1.0 chains: the record behind a hole has no IV. */
static void spare_followers(const struct session *s, int dir, const bool *touched, bool *spared)
{
    for (size_t i = 1; i < s->records_n[dir]; i++)
        spared[i] = touched[i - 1] && s->terms->version == TLS1_VERSION;
}

static void lose_both(const struct session *s, int dir, const struct hole holes[2], size_t piece)
{
    bool touched[2][RECORDS] = {{0}}, spared[2][RECORDS] = {{0}};
    struct room *r = malloc(sizeof *r);
    assert_non_null(r);
    room_init(r);
    room_keys(r, (const char *)s->talk[0].keylog.p);
    for (int i = 0; i < 2; i++) touch(s, dir, holes[i].from, holes[i].n, touched[dir]);
    spare_followers(s, dir, touched[dir], spared[dir]);
    feed_without(r, s, dir, holes, piece);
    /* Without a hello, or the one of a renegotiation, nothing need be read. */
    if (holes[0].from < s->handshake[dir] || s->terms->renegotiates) {
        memset(spared, true, sizeof spared);
        check(r, s, 0, touched[0], spared[0]);
        check(r, s, 1, touched[1], spared[1]);
    } else {
        check(r, s, 0, touched[0], spared[0]);
        check(r, s, 1, touched[1], spared[1]);
        check_told(r, s, 0);
        check_told(r, s, 1);
    }
    room_free(r);
    free(r);
}

static void lose(const struct session *s, int dir, size_t from, size_t n, size_t piece)
{
    lose_both(s, dir, (const struct hole[2]){{from, n}}, piece);
}

static void each_packet_lost(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        static struct session s;
        session_init(&s, &all[i]);
        for (int dir = 0; dir < 2; dir++)
            for (size_t at = 0; at < s.bytes[dir]; at += 1460) lose(&s, dir, at, 1460, 1460);
        peers_free(&s.talk[0]);
    }
}

/* Holes of every size around the edges of records: heads cut in half, whole records, several. */
static void holes_at_random(void **state)
{
    uint64_t seed = 4711;
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        static struct session s;
        session_init(&s, &all[i]);
        for (int k = 0; k < 150; k++) {
            int dir = (int)rnd_below(&seed, 2);
            const struct record *at = &s.records[dir][rnd_below(&seed, s.records_n[dir])];
            size_t from = at->at + rnd_below(&seed, k % 2 ? HEAD + 1 : at->n);
            size_t n = k % 3 ? 1 + rnd_below(&seed, 600) : at->n;
            lose(&s, dir, from, n, 1 + rnd_below(&seed, 3000));
        }
        peers_free(&s.talk[0]);
    }
}

/* Another hole in what is left of a record that has one: inside it, to its end, and beyond. */
static void two_holes(void **state)
{
    uint64_t seed = 99;
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        static struct session s;
        session_init(&s, &all[i]);
        for (int k = 0; k < 60; k++) {
            int dir = (int)rnd_below(&seed, 2);
            const struct record *at = &s.records[dir][rnd_below(&seed, s.records_n[dir])];
            if (at->n < HEAD + 16) continue;
            size_t left = 1 + rnd_below(&seed, at->n - HEAD - 8), end = at->at + at->n;
            size_t n[] = {1 + rnd_below(&seed, left), left, left + 1 + rnd_below(&seed, 600)};
            struct hole holes[2] = {{at->at + HEAD + 2, 3}, {end - left, n[k % 3]}};
            lose_both(&s, dir, holes, 1 + rnd_below(&seed, 3000));
        }
        peers_free(&s.talk[0]);
    }
}

/* After the handshake, both hellos and what lies between in the capture, nothing is missing but
 * what was touched, whatever of the rest of the handshake was lost. */
static void handshake_lost_behind_the_hellos(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        static struct session s;
        if (all[i].renegotiates) continue;
        session_init(&s, &all[i]);
        for (int dir = 0; dir < 2; dir++)
            for (size_t k = 1; k < s.records_n[dir]; k++) {
                bool touched[2][RECORDS] = {{0}}, spared[2][RECORDS] = {{0}};
                const struct record *record = &s.records[dir][k];
                static struct room r;
                if (record->at >= s.handshake[dir]) break;
                if (s.terms->small && k < 3) continue; /* the hello itself */
                room_init(&r);
                room_keys(&r, (const char *)s.talk[0].keylog.p);
                touch(&s, dir, record->at, record->n, touched[dir]);
                spare_followers(&s, dir, touched[dir], spared[dir]);
                feed_without(&r, &s, dir, (const struct hole[2]){{record->at, record->n}}, 1460);
                check(&r, &s, 0, touched[0], spared[0]);
                check(&r, &s, 1, touched[1], spared[1]);
                room_free(&r);
            }
        peers_free(&s.talk[0]);
    }
}

/* One byte of each record's body is turned in turn: it costs that record. */
static void each_record_damaged(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        static struct session s;
        session_init(&s, &all[i]);
        size_t at[2] = {0, 0};
        for (size_t c = 0; c < s.talk[0].chunks_n; c++) {
            int dir = s.talk[0].chunks[c].dir;
            uint8_t *p = s.talk[0].wire.p + s.talk[0].chunks[c].at;
            for (size_t k = 0; k < s.records_n[dir]; k++) {
                const struct record *record = &s.records[dir][k];
                bool touched[2][RECORDS] = {{0}}, spared[2][RECORDS] = {{0}};
                static struct room r;
                if (record->chunk != c || record->at < s.handshake[dir]) continue;
                uint8_t *byte = p + (record->at - at[dir]) + HEAD + (record->n - HEAD) / 2;
                if (s.terms->renegotiates && !record->said_n) continue;
                *byte ^= 0x10;
                room_init(&r);
                room_keys(&r, (const char *)s.talk[0].keylog.p);
                touched[dir][k] = true;
                spare_followers(&s, dir, touched[dir], spared[dir]);
                feed_without(&r, &s, -1, (const struct hole[2]){{0}}, 1460);
                check(&r, &s, 0, touched[0], spared[0]);
                check(&r, &s, 1, touched[1], spared[1]);
                check_told(&r, &s, dir);
                room_free(&r);
                *byte ^= 0x10;
            }
            at[dir] += s.talk[0].chunks[c].n;
        }
        peers_free(&s.talk[0]);
    }
}

/* TLS 1.0, encrypt-then-MAC: the last block of a record is the IV of the next, and no MAC covers it
 * there. Any byte of a record turned costs it and the next, and makes no other byte. */
static void a_damaged_iv(void **state)
{
    static struct session s;
    size_t at[2] = {0, 0};
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++)
        if (all[i].version == TLS1_VERSION && !all[i].no_etm) session_init(&s, &all[i]);
    for (size_t c = 0; c < s.talk[0].chunks_n; c++) {
        int dir = s.talk[0].chunks[c].dir;
        uint8_t *p = s.talk[0].wire.p + s.talk[0].chunks[c].at;
        for (size_t k = 0; k < s.records_n[dir]; k++) {
            const struct record *record = &s.records[dir][k];
            if (record->chunk != c || record->at < s.handshake[dir]) continue;
            for (size_t j = HEAD; j < record->n; j += 5) {
                bool touched[2][RECORDS] = {{0}}, spared[2][RECORDS] = {{0}};
                static struct room r;
                p[record->at - at[dir] + j] ^= 1;
                room_init(&r);
                room_keys(&r, (const char *)s.talk[0].keylog.p);
                touched[dir][k] = true;
                spare_followers(&s, dir, touched[dir], spared[dir]);
                feed_without(&r, &s, -1, (const struct hole[2]){{0}}, 1460);
                check(&r, &s, dir, touched[dir], spared[dir]);
                check_told(&r, &s, dir);
                room_free(&r);
                p[record->at - at[dir] + j] ^= 1;
            }
        }
        at[dir] += s.talk[0].chunks[c].n;
    }
    peers_free(&s.talk[0]);
}

/* Any byte turned anywhere, heads and hellos included: never a byte that nobody said. */
static void any_byte_damaged(void **state)
{
    uint64_t seed = 1815;
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        static struct session s;
        session_init(&s, &all[i]);
        for (int k = 0; k < 150; k++) {
            bool any[RECORDS];
            static struct room r;
            uint8_t *byte = s.talk[0].wire.p + rnd_below(&seed, s.talk[0].wire.n),
                    bit = (uint8_t)(1u << rnd_below(&seed, 8));
            *byte ^= bit;
            memset(any, true, sizeof any);
            room_init(&r);
            room_keys(&r, (const char *)s.talk[0].keylog.p);
            feed_without(&r, &s, -1, (const struct hole[2]){{0}}, 700);
            check(&r, &s, 0, any, any);
            check(&r, &s, 1, any, any);
            room_free(&r);
            *byte ^= bit;
        }
        peers_free(&s.talk[0]);
    }
}

/* More records are gone than numbers are tried: about how many is known from their size. */
static void a_long_hole(void **state)
{
    static struct peers_line lines[4000];
    static const char word[] = "a line like all the others, but for what it is about";
    struct peers_terms terms = {
        .name = "long hole", .version = T13, .cipher = "TLS_AES_128_GCM_SHA256"};
    struct peers_talk talk[2];
    (void)state;
    for (size_t i = 0; i < ARRAY(lines); i++)
        lines[i] = (struct peers_line){1, word, 30 + i * 7 % (sizeof word - 30)};
    terms.lines = lines;
    terms.lines_n = ARRAY(lines);
    peers_talk(&terms, talk);
    const struct peers_chunk *last = &talk[0].chunks[0];
    for (size_t i = 1; i < talk[0].chunks_n; i++)
        if (talk[0].chunks[i].n > last->n) last = &talk[0].chunks[i];
    for (size_t lost = 10000; lost < last->n - 40000; lost += 20000) {
        static struct room r;
        room_init(&r);
        room_keys(&r, (const char *)talk[0].keylog.p);
        for (const struct peers_chunk *c = talk[0].chunks; c < last; c++)
            room_push(&r, (enum wst_dir)c->dir, talk[0].wire.p + c->at, c->n);
        room_push(&r, WST_S2C, talk[0].wire.p + last->at, 20000);
        size_t before = r.n, rest = last->n - 20000 - lost;
        room_gap(&r, WST_S2C, lost);
        room_push(&r, WST_S2C, talk[0].wire.p + last->at + 20000 + lost, rest);
        if (r.n - before < rest / 3)
            fail_msg("%zu lost, of %zu: %zu read", lost, rest, r.n - before);
        room_free(&r);
    }
    peers_free(&talk[0]);
}

/* -- joined in the midst ----------------------------------------------------------------------- */

/* Secrets of connections that were not captured, newer than the right ones. */
static void decoys(struct room *r, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char line[256], identity[65], secret[97];
        for (int k = 0; k < 64; k++) identity[k] = "0123456789abcdef"[(i * 7 + (unsigned)k) % 16];
        for (int k = 0; k < 96; k++) secret[k] = "0123456789abcdef"[(i * 5 + (unsigned)k * 3) % 16];
        snprintf(identity, 9, "%08x", i);
        identity[8] = '0';
        identity[64] = '\0';
        secret[i % 2 ? 64 : 96] = '\0';
        snprintf(line, sizeof line, "%s_TRAFFIC_SECRET_0 %s %s\n", i % 4 < 2 ? "CLIENT" : "SERVER",
                 identity, secret);
        room_keys(r, line);
    }
}

static void join(struct room *r, const struct session *s, size_t from, size_t piece)
{
    for (size_t i = from; i < s->talk[0].chunks_n; i++) {
        const struct peers_chunk *c = &s->talk[0].chunks[i];
        for (size_t k = 0; k < c->n; k += piece)
            room_push(r, (enum wst_dir)c->dir, s->talk[0].wire.p + c->at + k,
                      c->n - k < piece ? c->n - k : piece);
    }
    room_end(r);
}

/* Behind the handshake every record is read that begins where the capture does, or later. */
static void joined(void **state)
{
    unsigned times = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        static struct session s;
        if (all[i].version != T13 || all[i].updates || all[i].padding) continue;
        session_init(&s, &all[i]);
        size_t passed[2] = {0, 0};
        for (size_t from = 0; from < s.talk[0].chunks_n; from++) {
            bool behind = passed[0] >= s.handshake[0] && passed[1] >= s.handshake[1];
            if (behind && from % 3 == 0) {
                bool touched[2][RECORDS] = {{0}}, spared[2][RECORDS] = {{0}};
                static struct room r;
                room_init(&r);
                room_keys(&r, (const char *)s.talk[0].keylog.p);
                decoys(&r, 24);
                assert_true(wst_tls_midst_hope(&r.env));
                wst_tls_midst(&r.tls);
                join(&r, &s, from, from % 2 ? 1460 : SIZE_MAX / 2);
                for (int dir = 0; dir < 2; dir++) {
                    touch(&s, dir, 0, passed[dir], touched[dir]);
                    check(&r, &s, dir, touched[dir], spared[dir]);
                }
                assert_int_equal(r.sealed, 0);
                times++;
                room_free(&r);
            }
            passed[s.talk[0].chunks[from].dir] += s.talk[0].chunks[from].n;
        }
        peers_free(&s.talk[0]);
    }
    assert_true(times > 10);
}

/* No secret is right, or none is left, or guessing was too dear: one note, and not a byte. */
static void joined_in_vain(void **state)
{
    static struct session s;
    (void)state;
    session_init(&s, &all[0]);
    for (int row = 0; row < 3; row++) {
        static struct room r;
        room_init(&r);
        if (row == 1) room_keys(&r, (const char *)s.talk[0].keylog.p);
        if (row != 2) decoys(&r, 24);
        assert_int_equal(wst_tls_midst_hope(&r.env), row != 2);
        if (row != 2) wst_tls_midst(&r.tls);
        if (row == 1) r.env.purse = 100;
        if (row != 2) join(&r, &s, s.talk[0].chunks_n - 6, SIZE_MAX / 2);
        assert_int_equal(r.n, 0);
        assert_int_equal(r.sealed, row != 2);
        assert_int_equal(r.problems[WST_PROBLEM_TLS_NO_KEY], row != 2);
        if (row != 2) assert_non_null(strstr(r.detail, "not in the capture"));
        room_free(&r);
    }
    peers_free(&s.talk[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joined),
        cmocka_unit_test(joined_in_vain),
        cmocka_unit_test(each_packet_lost),
        cmocka_unit_test(holes_at_random),
        cmocka_unit_test(two_holes),
        cmocka_unit_test(handshake_lost_behind_the_hellos),
        cmocka_unit_test(each_record_damaged),
        cmocka_unit_test(a_damaged_iv),
        cmocka_unit_test(any_byte_damaged),
        cmocka_unit_test(a_long_hole),
    };
    return cmocka_run_group_tests(tests, NULL, peers_teardown);
}
