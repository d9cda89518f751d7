/*
 * json.h - small functions that build JSON documents. Each exits 3 when there is no memory.
 */
#ifndef ZK_JSON_H
#define ZK_JSON_H

#if HAVE_JANSSON

#include <jansson.h>
#include <stdint.h>

json_t *json_text(const char *text);                            /* null for "NA" */
json_t *json_number(uint64_t number);                           /* null for UNKNOWN */
void json_set(json_t *object, const char *name, json_t *value); /* value then belongs to object */
void json_add(json_t *array, json_t *value);                    /* likewise */

#endif

#endif
