import type { PlantedBug } from './planted.ts';

/** What storage and consensus have been got wrong in before, here or elsewhere. */
export const BUGS: readonly PlantedBug[] = [
  {
    name: 'the vote is not written down',
    file: 'etcd-lite/src/transport/message-codec.ts',
    from: "vote: vote ?? ''",
    to: "vote: ''",
  },
  {
    name: 'writes are acknowledged before they are synced',
    file: 'etcd-lite/src/wal/wal.ts',
    from: 'this.#file.writeSynced(at, bytes, mayBlock)',
    to: 'this.#file.write(at, bytes)',
  },
  {
    name: 'a follower acknowledges appends before its write',
    file: 'raft-consensus/src/messages.ts',
    from: "message.type === 'append-response' || ",
    to: '',
  },
  {
    name: 'entries of earlier terms commit by counting',
    file: 'raft-consensus/src/leader.ts',
    from: `|| log.termAt(index) !== core.term) return;
  assert(index >= leading.firstIndex, 'RAFT-4', \`entry \${index} of an earlier term would commit by counting\`);`,
    to: ') return;',
  },
  {
    name: 'a vote request leaves before the term is durable',
    file: 'raft-consensus/src/messages.ts',
    from: " || message.type === 'vote';",
    to: ';',
  },
  {
    name: 'a new log segment gets its name without a sync of the folder',
    file: 'etcd-lite/src/wal/wal.ts',
    from: `path);
  await disk.syncFolder(folder);`,
    to: 'path);',
  },
  {
    name: 'a checkpoint gets its name without a sync of the folder',
    file: 'etcd-lite/src/checkpoint/checkpoint-file.ts',
    from: 'await this.#disk.syncFolder(this.#folder);',
    to: '',
  },
  {
    name: 'a checkpoint is published without a sync',
    file: 'etcd-lite/src/checkpoint/checkpoint-file.ts',
    from: 'await this.#file.sync();',
    to: '',
  },
  {
    name: 'folders are made without a sync of the folder above',
    file: 'etcd-lite/src/shell/start-up.ts',
    from: 'await disk.syncFolder(dirname(path));',
    to: '',
  },
  {
    name: 'a write torn at its first sector is not cleared away',
    file: 'etcd-lite/src/wal/recovery.ts',
    from: ' || !isZero(file, offset, file.length)',
    to: '',
  },
  {
    name: 'a request is proposed again although a restored snapshot may contain it',
    file: 'etcd-lite/src/shell/member.ts',
    from: 'this.#proposals.restored();',
    to: 'this.#proposals.termApplied(metadata.term);',
  },
  {
    name: 'a leader answers reads without asking whether it still leads',
    file: 'raft-consensus/src/leader-reads.ts',
    from: "if (core.config.readOnly === 'lease')",
    to: 'if (leading.reads.round > 0)',
  },
  {
    name: 'a read does not wait until the member has applied enough',
    file: 'etcd-lite/src/shell/reads.ts',
    from: 'filter((each) => each.index <= index)',
    to: 'filter(() => true)',
  },
  {
    name: 'compaction forgets the changes of the very revision that watches may start at',
    file: 'etcd-lite/src/core/mvcc-store.ts',
    from: 'const keepFrom = firstAtLeast(this.#log, revision);',
    to: 'const keepFrom = firstAtLeast(this.#log, revision + 1);',
  },
  {
    name: 'a watch at the compacted revision is cancelled',
    file: 'etcd-lite/src/core/watch-hub.ts',
    from: 'if (watcher.nextRevision < store.compactRevision)',
    to: 'if (watcher.nextRevision <= store.compactRevision)',
  },
  {
    name: 'a slow watch loses the change that it could not take',
    file: 'etcd-lite/src/core/watch-hub.ts',
    from: 'watcher.nextRevision = revision;',
    to: 'watcher.nextRevision = revision + 1;',
  },
  {
    name: 'a watch does not notice that a snapshot has jumped over changes',
    file: 'etcd-lite/src/shell/member.ts',
    from: 'this.watches.restored();',
    to: '',
  },
  {
    name: 'a progress notice overtakes events',
    file: 'etcd-lite/src/services/watch.ts',
    from: ' || !this.#isWritable || this.#behind.size > 0) return;',
    to: ' || !this.#isWritable) return;',
  },
  {
    name: 'a new leader ends leases at once',
    file: 'etcd-lite/src/shell/lease-expiry.ts',
    from: 'nowMs + restMs(lease) + extraMs',
    to: 'nowMs + 1',
  },
];
