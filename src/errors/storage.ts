import type { ErrorArea } from './entry.js'

/** The disk of a pinner or signer. */
export const storageErrors = {
  STORAGE_IN_USE: {
    class: 'InputError',
    cause: 'The folder of a store is open already, in another process or in this one.',
    remedy: 'Stop the other process, or choose another folder.'
  },
  STORAGE_NOT_A_FOLDER: {
    class: 'InputError',
    cause: 'The path of a store is not a folder and cannot become one.',
    remedy: 'Choose another path.'
  },
  STORAGE_MOVED: {
    class: 'InputError',
    cause:
      'The folder of a store was copied, moved or restored after it was written; hypercore-storage opens it only as it was made.',
    remedy:
      'Move it back, or choose another folder: two copies of a store that both go on destroy each other.'
  },
  STORAGE_DENIED: {
    class: 'InputError',
    cause: 'The folder of a store, or a file in it, may not be written.',
    remedy: 'Check owner and permissions, and that the disk is not mounted read-only.'
  },
  STORAGE_LIMIT: {
    class: 'StorageError',
    cause: 'The process has as many files open as the system lets it.',
    remedy: 'Raise the limit (`ulimit -n`), or run fewer roles in one process.'
  },
  STORAGE_DISK_FULL: {
    class: 'StorageError',
    cause: 'The disk is full or the quota is used up; what was stored is intact.',
    remedy: 'Free some space, then start again.'
  },
  STORAGE_DISK_FAILED: {
    class: 'StorageError',
    cause: 'The system failed to read or write the disk.',
    remedy: "Look into the system's log; check disk and file system."
  },
  STORAGE_CORRUPT: {
    class: 'StorageError',
    cause: 'RocksDB or SQLite found their own files damaged.',
    remedy: 'Remove the folder and let the pinner fetch its segments again, or restore it from a backup.'
  },
  STORAGE_RECORDS_LOST: {
    class: 'StorageError',
    cause: 'The file that says which segments a store holds is missing or empty, and the segments are there.',
    remedy:
      'Restore the folder from a backup. Without one remove the folder of the store: the pinner loses its copies and takes new ones.'
  },
  STORAGE_FAILED: {
    class: 'StorageError',
    cause: 'A store failed for a reason that is not known here; the message repeats what was said.',
    remedy: 'Look the message up; if it is not the machine, report it.'
  },
  STORAGE_FORMAT: {
    class: 'StorageError',
    cause: 'The folder holds no store of this version of datdot.',
    remedy: 'Choose another folder.'
  },
  STORAGE_VERSION: {
    class: 'StorageError',
    cause: 'The installed hypercore-storage lacks what keeps plain blocks off the disk.',
    remedy: 'Install the versions of package-lock.json with `npm ci`.'
  },
  STORAGE_SELF_CHECK: {
    class: 'StorageError',
    cause: 'The installed hypercore-storage does not work as it must: plain blocks might reach the disk.',
    remedy: 'Install the versions of package-lock.json with `npm ci`.'
  },
  STORAGE_CLOSED: {
    class: 'StorageError',
    cause: 'A store was used before it was open, or after it was closed.',
    remedy: 'A programming error of the caller, unless it is closing itself.'
  },
  STORAGE_QUOTA: {
    class: 'StorageError',
    cause: 'A store has not the room that a segment needs within its capacity.',
    remedy: 'Raise its capacity, or remove a hypercore.'
  },
  STORAGE_VEILED: {
    class: 'StorageError',
    cause: "Something that could write plain blocks to a pinner's disk was asked of its store.",
    remedy: 'A programming error of the caller: use sessions of the store.'
  },
  STORAGE_SPEC: {
    class: 'StorageError',
    cause: 'What should describe a segment does not.',
    remedy: 'Correct the fields that the message names.'
  },
  STORAGE_MANIFEST: {
    class: 'StorageError',
    cause: 'A manifest is not that of the hypercore: its key would be another one.',
    remedy: 'Take the manifest from whoever serves the hypercore.'
  },
  STORAGE_BUSY: {
    class: 'StorageError',
    cause: 'Another segment of the hypercore is on its way in, or the hypercore is being deleted.',
    remedy: 'Finish or abort the other one first, or begin again.'
  },
  STORAGE_HELD: {
    class: 'StorageError',
    cause: 'The segment is held already.',
    remedy: 'Nothing.'
  },
  STORAGE_GAP: {
    class: 'StorageError',
    cause: 'A segment does not begin where the ones that are held end, or is of another fork.',
    remedy: 'Take segments in order.'
  },
  STORAGE_ORDER: {
    class: 'StorageError',
    cause: 'A chunk came out of its turn, or beyond the end of its segment.',
    remedy: 'Send the chunk that the message names.'
  },
  STORAGE_INCOMPLETE: {
    class: 'StorageError',
    cause: 'A segment was to be finished before all of it had come.',
    remedy: 'Append the rest first.'
  },
  STORAGE_INGEST_OVER: {
    class: 'StorageError',
    cause: 'A segment that is finished, aborted or suspended was to be gone on with.',
    remedy: 'Begin the segment again.'
  },
  STORAGE_TREE_MISMATCH: {
    class: 'StorageError',
    cause: 'The blocks of a segment are not those of the original that it was recorded with.',
    remedy: 'The segment is deleted; whose signer it is: check its memory.'
  },
  STORAGE_SIGNATURE: {
    class: 'StorageError',
    cause: "The author's signature does not hold over the original of a segment.",
    remedy: 'The segment is deleted; take the signature from whoever serves the hypercore.'
  },
  STORAGE_NO_ORIGINAL: {
    class: 'StorageError',
    cause: 'What an author signed of a hypercore, or the tree that it signed, is not known here.',
    remedy: 'Wait until a peer has sent it; check that the author or a pinner is online.'
  },
  STORAGE_NOT_HELD: {
    class: 'StorageError',
    cause: 'A hypercore, segment or block that is not held here.',
    remedy: 'Ask for what `segments` lists.'
  },
  STORAGE_BLOCK_LOST: {
    class: 'StorageError',
    cause: 'A block that should be on the disk is not there any more, or not as it was.',
    remedy: 'Check the disk: the pinner fails challenges until the segment is fetched again.'
  },
  STORAGE_DAMAGED: {
    class: 'StorageError',
    cause: "The original's tree is incomplete on the disk.",
    remedy: 'Remove the hypercore and fetch it again.'
  },
  STORAGE_FORKED: {
    class: 'StorageError',
    cause: 'The author signed another history of a hypercore than the one that is held.',
    remedy: 'Nothing: the pinner keeps the history that it is paid for.'
  },
  NODES_MISSING: {
    class: 'StorageError',
    cause: "The file of a segment's Merkle nodes has fewer than are asked for.",
    remedy: 'It is built again from the chunks; if it repeats, check the disk.'
  }
} as const satisfies ErrorArea
