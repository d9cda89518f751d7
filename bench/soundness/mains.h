/*
 * mains.h - the mains of the provers, by their names in this program (see bench/CMakeLists.txt).
 */
#ifndef SOUNDNESS_MAINS_H
#define SOUNDNESS_MAINS_H

int prove_fri_main(int argc, char **argv);
int prove_hashsig_main(int argc, char **argv);
int prove_rounds_main(int argc, char **argv);
int prove_sumcheck_main(int argc, char **argv);

#endif
