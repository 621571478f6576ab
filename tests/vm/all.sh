#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# all.sh: every kernel of tests/vm/list, one after the other.
set -u
cd "$(dirname "$0")/../.." || exit 1
sed 's/ *#.*//; /./!d' tests/vm/list | while read -r suite arch package suites; do
	echo "k=\$(sh tests/kernels/fetch.sh $suite $arch '$package') && sh tests/vm/run.sh \$k/vmlinuz $suites"
done | xargs -d '\n' sh tests/totals.sh vmtest:
