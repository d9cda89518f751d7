/*
 * config.h - the switches: read once from the environment, fixed by the first begin.
 */
#ifndef ZK_CONFIG_H
#define ZK_CONFIG_H

#include "zkalloc.h"

/* The configuration in force. Written before the first phase begins and constant from then on: code
 * that has seen an active phase may read it without a lock. */
extern struct zk_config zk_settings;

enum { ZK_AUDIT_DEPTH_MAX = 32 }; /* frames */

/* Reads the environment, the first time that it is called. The caller holds the phase lock. */
void zk_config_load(void);

/* Parses one switch; NULL when it is well formed, or what is wrong with it. For zk_config_load and
 * its tests. */
const char *zk_config_parse(struct zk_config *config, const char *name, const char *value);

/* NULL when every value is in range, or what is wrong. */
const char *zk_config_check(const struct zk_config *config);

/* In the child of a fork that came in the middle of writing the settings: writes them. Under the phase lock. */
void zk_config_mend(void);

/* The program's configuration, which is in range, instead of what is in force; but for what is fixed since the
 * library was loaded. The caller holds the phase lock. */
void zk_config_replace(const struct zk_config *config);

#endif
