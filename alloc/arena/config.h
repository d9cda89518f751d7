/*
 * config.h - the switches: read once from the environment, fixed by the first begin.
 */
#ifndef ZK_CONFIG_H
#define ZK_CONFIG_H

#include "zkalloc.h"

/* The configuration in force. Written before the first phase begins and constant from then on: code
 * that has seen an active phase may read it without a lock. */
extern __attribute__((visibility("hidden"))) struct zk_config zk_settings;

enum { ZK_AUDIT_DEPTH_MAX = 32 }; /* frames */

/* Reads the environment, the first time that it is called. The caller holds the phase lock. */
void zk_config_load(void);

/* Parses one switch. Returns NULL if it is well formed, or else what is wrong with it. For
 * zk_config_load and its tests. */
const char *zk_config_parse(struct zk_config *config, const char *name, const char *value);

/* Returns NULL if every value is in range, or else the name of one that is not. */
const char *zk_config_check(const struct zk_config *config);

/* Finishes writing the settings, in the child of a fork that interrupted that. The caller holds the phase lock. */
void zk_config_mend(void);

/* Replaces the configuration, except for what was fixed when the library was loaded. All values must be in
 * range. The caller holds the phase lock. */
void zk_config_replace(const struct zk_config *config);

#endif
