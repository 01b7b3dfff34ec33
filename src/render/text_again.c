/* SPDX-License-Identifier: MIT
 *
 * In: findings. Out: whether they would say what was said before. A capture of which no beginning
 * of a connection is there, or that a busy host lost much of, has a finding or two of the same
 * words for each of its connections; and the line above it, "picked up without its handshake",
 * "uncertain … bytes not known", says it of that one. So the first is told, and the others are
 * counted for the summary. Refuses to pass over what no other line says.
 */
#include "fnv.h"
#include "text.h"

#include <wstrace/event.h>

/* Those that a line above says, too. */
static const enum wst_problem again_problems[WST_TEXT_AGAIN] = {WST_PROBLEM_HANDSHAKE_PICKED_UP,
                                                                WST_PROBLEM_MESSAGE_CONTEXT_LOST};

/* Its words without the numbers in it; never 0. */
static uint64_t again_words(const char *detail)
{
    uint64_t h = WST_FNV_BEGIN;
    for (; detail && *detail; detail++)
        if (*detail < '0' || *detail > '9') h = wst_fnv_byte(h, (uint8_t)*detail);
    return h | 1;
}

bool wst_text_told_before(struct wst_text *text, const struct wst_event *event)
{
    if (text->options.frames) return false;
    for (unsigned i = 0; i < WST_TEXT_AGAIN; i++) {
        if (event->problem.problem != again_problems[i]) continue;
        uint64_t words = again_words(event->problem.detail);
        for (unsigned k = 0; k < WST_TEXT_WORDINGS; k++) {
            uint64_t *told = &text->again[i].told[k];
            if (*told == words) {
                text->again[i].more++;
                return true;
            }
            if (*told) continue;
            *told = words;
            return false;
        }
    }
    return false;
}

void wst_text_not_again(struct wst_text *text)
{
    struct wst_out *out = &text->render.out;
    bool any = false;
    wst_text_fold_begin(text);
    text->fold.indent = 4;
    for (unsigned i = 0; i < WST_TEXT_AGAIN; i++) {
        if (text->again[i].more == 0) continue;
        wst_out_text(out, any ? "," : "not told again:");
        wst_text_field(text);
        wst_out_text(out, " ");
        wst_out_text(out, wst_problem_row(again_problems[i])->id);
        wst_out_text(out, " ");
        wst_text_count(out, text->again[i].more, "time");
        any = true;
    }
    if (!any) return;
    wst_text_field(text);
    wst_out_text(out, "  (-v tells each)");
    wst_text_fold_end(text);
    wst_out_text(out, "\n");
}
