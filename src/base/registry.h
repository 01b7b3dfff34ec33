/* SPDX-License-Identifier: MIT
 *
 * In: a number from the wire. Out: what the registries say about it, beyond the names that
 * event.h makes public.
 */
#ifndef WST_BASE_REGISTRY_H
#define WST_BASE_REGISTRY_H

#include <wstrace/event.h>

/* RFC 6455 section 7.4 and the IANA registry: whether an endpoint may put `code` into a close
 * frame. Yes: 1000–1003, 1007–1014, 3000–4999, named or not. No: 1004, 1005, 1006, 1015, which
 * stand for things that are never sent, and all numbers that nobody may use yet. */
bool wst_close_code_may_be_sent(int32_t code);

#endif
