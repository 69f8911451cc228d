import type { ErrorArea } from './entry.js'

/** The ledger and its file, the published log, and what goes between a chain and its clients. */
export const chainErrors = {
  RECEIPTS_INVALID: {
    class: 'InputError',
    cause: 'A file is not one of receipts, one JSON object a line.',
    remedy: 'Give the `receipts.jsonl` of a role, or of a client that keeps its receipts.'
  },
  LEDGER_NOT_FOUND: {
    class: 'InputError',
    cause: 'There is no ledger at this path.',
    remedy: 'Give the path of a `ledger.db`, a folder that holds one, or the key of a chain.'
  },
  LEDGER_LOST: {
    class: 'InputError',
    cause: 'The ledger is missing or empty, and the log that was published from it is there.',
    remedy: 'Restore the ledger from a backup: a new one would be another chain under the same key.'
  },
  CORES_DAMAGED: {
    class: 'StorageError',
    cause: "The store of a chain's published log and evidence is damaged, or a part of it is missing.",
    remedy:
      'Restore the folder from a backup. Without one remove it and `evidence.db`: the log is published again from the ledger, and what was public evidence is gone. Details that the ledger has dropped are then missing in the log, and who has followed the old one may not be able to follow the new one.'
  },
  LEDGER_NOT_A_LEDGER: {
    class: 'InputError',
    cause: 'The file is no SQLite database, or none that holds a ledger.',
    remedy: 'Give the path of a `ledger.db`.'
  },
  LEDGER_TOO_NEW: {
    class: 'InputError',
    cause: 'The ledger was written by a newer datdot.',
    remedy: 'Update datdot.'
  },
  LEDGER_FOREIGN: {
    class: 'InputError',
    cause: 'The ledger or log belongs to another chain than the key that was given.',
    remedy: "Give the chain's own key, or its own ledger."
  },
  LEDGER_DENIED: {
    class: 'InputError',
    cause: "The ledger's file, or the folder that SQLite needs beside it, may not be read or written.",
    remedy: 'Check owner and permissions of both.'
  },
  LEDGER_IN_USE: {
    class: 'InputError',
    cause: "Another process holds the lock of the ledger's file.",
    remedy: 'Wait for that process or stop it.'
  },
  LEDGER_DISK_FULL: {
    class: 'StorageError',
    cause: 'SQLite found no space on the disk or in the quota; what was committed is intact.',
    remedy: 'Free some space.'
  },
  LEDGER_DISK_FAILED: {
    class: 'StorageError',
    cause: "The system failed to read or write the ledger's file; the message has SQLite's code.",
    remedy: "Look into the system's log; check disk and file system."
  },
  LEDGER_DAMAGED: {
    class: 'StorageError',
    cause: "SQLite found the ledger's file damaged.",
    remedy: 'Restore it from a backup, or build it again from the published log.'
  },
  LEDGER_FAILED: {
    class: 'StorageError',
    cause: 'SQLite failed for a reason that is not known here; the message has its code.',
    remedy: "Look SQLite's code up; if it is not the machine, report it."
  },
  KEY_MISSING: {
    class: 'ChainError',
    cause: 'A ledger that was opened without the key of its chain was to write.',
    remedy: 'Open it with the key.'
  },
  BEACON_MISSING: {
    class: 'ChainError',
    cause: 'A ledger that was opened without its beacon was to tick, or to tell of checks ahead.',
    remedy: 'Open it with the beacon.'
  },
  BEACON_FOREIGN: {
    class: 'InputError',
    cause: "The beacon's secret is not the one that the genesis of this ledger committed to.",
    remedy: 'Restore the file `beacon` from a backup of the same chain; another one opens none of its rounds.'
  },
  DRAW_UNKNOWN: {
    class: 'InputError',
    cause: 'The log has no draw of this number.',
    remedy: 'Take a number that the log has, such as one that `datdot up --json` shows.'
  },
  LOG_DIVERGED: {
    class: 'ChainError',
    cause:
      'The published log has entries that the ledger has not: the ledger was replaced by an older or another one.',
    remedy: 'Restore the ledger that belongs to the log. A chain never rewrites what it has published.'
  },
  LOG_REWRITTEN: {
    class: 'ChainError',
    cause: 'A chain has rewritten its published log.',
    remedy: 'Do not trust it: hold what was read before against it.'
  },
  LOG_UNREACHABLE: {
    class: 'InputError',
    cause: "A chain's log cannot be followed from here.",
    remedy: 'Check the key and `--bootstrap`, and that the chain is online.'
  },
  CHAIN_BUSY: {
    class: 'ChainError',
    cause: 'The chain has as much waiting as it can hold.',
    remedy: 'Try again in a moment; clients do it by themselves.'
  },
  CHAIN_REWRITTEN: {
    class: 'SwarmError',
    cause: 'The chain shows another entry in the place of one that this client saw.',
    remedy:
      'Its past was changed, or it was set back to a backup: compare with others, keep your receipts, ask its operator.'
  },
  CHAIN_OTHER: {
    class: 'SwarmError',
    cause: 'Another chain answers than the one that was asked for.',
    remedy: 'Check the key of the chain.'
  },
  SUBMIT_QUEUE: {
    class: 'SwarmError',
    cause: 'Too many operations of this client wait for the chain.',
    remedy: 'Wait for some of them to be done before giving more.'
  },
  RPC_CLOSED: {
    class: 'SwarmError',
    cause: 'The connection to the chain was closed, or cannot be made.',
    remedy: 'Try again: clients connect anew. If it stays, check that the chain is online.'
  },
  RPC_TIMEOUT: {
    class: 'SwarmError',
    cause: 'The chain did not answer in time.',
    remedy: 'Try again. A submission may have been done all the same: ask for the account.'
  },
  RPC_RATE: {
    class: 'SwarmError',
    cause: 'A client asks more often than the chain answers.',
    remedy: 'Wait a second; clients do it by themselves.'
  },
  RPC_BUSY: {
    class: 'SwarmError',
    cause: 'A client has more requests under way than the chain takes at a time.',
    remedy: 'Wait for an answer first; clients do it by themselves.'
  },
  RPC_ID: {
    class: 'SwarmError',
    cause: 'A request has the number of one that is being answered.',
    remedy: 'Update the client: it does not keep to the protocol.'
  },
  RPC_METHOD: {
    class: 'SwarmError',
    cause: 'The chain has no such method.',
    remedy: 'Update the client or the chain.'
  },
  RPC_MALFORMED: {
    class: 'SwarmError',
    cause: 'A request is not one of the protocol.',
    remedy: 'Update the client: it does not keep to the protocol.'
  },
  RPC_PROTOCOL: {
    class: 'SwarmError',
    cause: 'The chain answered with something that is not the protocol, or does not hold.',
    remedy: 'Update the client; if it stays, the chain does not keep to the protocol.'
  },
  RPC_CHANNEL: {
    class: 'SwarmError',
    cause: 'A second channel of the protocol on one connection.',
    remedy: 'A programming error of the caller: one channel a connection.'
  },
  RPC_FAILED: {
    class: 'SwarmError',
    cause: 'The chain failed to answer for a reason of its own, which it does not tell strangers.',
    remedy: "Try again. Whose chain it is: look into the chain's log."
  },
  PEER_CODE: {
    class: 'SwarmError',
    cause:
      'A peer or chain answered with an error whose code this version does not know, or does not take from others.',
    remedy: 'Read its words, which the error keeps; update datdot if the other side is newer.'
  }
} as const satisfies ErrorArea
