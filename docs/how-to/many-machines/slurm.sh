#!/bin/sh
# SPDX-License-Identifier: MIT
# A campaign on a Slurm cluster: an array whose tasks are the shards, and a job that merges what they bring back. Run it where a clone of
# this repository is, on a file system that all nodes share, after `rex-test doctor --fix` and `rex-test kernel build` on one of them.
#
#     fuzz=$(sbatch --parsable docs/how-to/many-machines/slurm.sh programs 7 8h /scratch/me/corpora)
#     sbatch --dependency="afterany:$fuzz" --wrap "node runner/cli/rex-test.js fuzz merge /scratch/me/corpora --corpus /scratch/me/merged"
#
# A task that is preempted goes on where it was: it is queued again, and its state is in its corpus.
#SBATCH --job-name=rex-fuzz
#SBATCH --array=1-16
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=09:00:00
#SBATCH --requeue
#SBATCH --signal=B:TERM@120
#SBATCH --output=rex-fuzz-%A-%a.log
set -eu
target=$1 seed=$2 time=$3 corpora=$4

: "${SLURM_ARRAY_TASK_ID:?this is a script for sbatch}"
# exec: the SIGTERM of --signal goes to rex-test, which keeps its state.
exec node runner/cli/rex-test.js fuzz "$target" --seed "$seed" --time "$time" --jobs "$SLURM_CPUS_PER_TASK" \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --corpus "$corpora/shard-$SLURM_ARRAY_TASK_ID"
