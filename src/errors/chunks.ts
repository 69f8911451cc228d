import type { ErrorArea } from './entry.js'

/** Chunks, keys, trees and the engine that works on them. */
export const chunkErrors = {
  CODEC_NAME: {
    class: 'CodecError',
    cause: 'A codec that is not known, or a chunk or segment of another codec than the one it was handed to.',
    remedy: 'Use the codec that the segment was recorded with.'
  },
  CODEC_VERSION: {
    class: 'CodecError',
    cause: 'A chunk was encoded by a version of the codec that this one does not read.',
    remedy: 'Take a version of datdot that reads it.'
  },
  CODEC_RESERVED: {
    class: 'CodecError',
    cause: 'Bytes of a header that must be 0 are not.',
    remedy: 'The chunk is damaged or forged: fetch it again, from another peer.'
  },
  CODEC_TRUNCATED: {
    class: 'CodecError',
    cause: 'A chunk is shorter than its header.',
    remedy: 'The chunk is damaged or forged: fetch it again, from another peer.'
  },
  CODEC_LENGTH: {
    class: 'CodecError',
    cause: 'A chunk has another length than its header says, or one that no chunk has.',
    remedy: 'The chunk is damaged or forged: fetch it again, from another peer.'
  },
  CODEC_PLAIN_LENGTH: {
    class: 'CodecError',
    cause: 'A plain block is too large to be encoded.',
    remedy: 'Such a block cannot be kept; its author has to write smaller ones.'
  },
  CODEC_KEY: {
    class: 'CodecError',
    cause: 'The keys of a segment are none, or do not belong to each other.',
    remedy: "Use the segment as the chain recorded it, with its signer's key."
  },
  CODEC_SEED: {
    class: 'CodecError',
    cause: 'The seed of an encoding has another length, or was used for more chunks than it is good for.',
    remedy: 'Draw a new seed of the length that the message names.'
  },
  CODEC_SEGMENT: {
    class: 'CodecError',
    cause: 'A chunk belongs to another segment.',
    remedy: 'The chunk is misplaced or forged: fetch it again, from another peer.'
  },
  CODEC_INDEX: {
    class: 'CodecError',
    cause: 'A chunk belongs at another index of its segment.',
    remedy: 'The chunk is misplaced or forged: fetch it again, from another peer.'
  },
  CODEC_TAG: {
    class: 'CodecError',
    cause: "A chunk's tag does not fit its segment, key, length and body.",
    remedy: 'The chunk is damaged or forged: fetch it again, from another peer.'
  },
  CODEC_BLOCK: {
    class: 'CodecError',
    cause: "A block of a chunk was not sealed with the segment's key.",
    remedy: 'The chunk is damaged or forged: fetch it again, from another peer.'
  },
  CODEC_PADDING: {
    class: 'CodecError',
    cause: 'A chunk does not end with zeros where it must.',
    remedy: 'The chunk is damaged or forged: fetch it again, from another peer.'
  },
  CODEC_SEAL_CHECK: {
    class: 'CodecError',
    cause: 'A block that was just sealed does not open again: this machine computed wrongly.',
    remedy: 'Nothing was given out. Test memory and CPU of this machine.'
  },
  CODEC_SIGNER: {
    class: 'CodecError',
    cause: 'A chunk was encoded by another signer than the one of its segment.',
    remedy: 'The chunk is misplaced or forged: fetch it again, from another peer.'
  },
  CODEC_SIGNATURE: {
    class: 'CodecError',
    cause: "A chunk's signature does not fit its segment, index, key and body.",
    remedy: 'The chunk is damaged or forged: fetch it again, from another peer.'
  },
  RSA_SEED: {
    class: 'CryptoError',
    cause: 'The seed of an RSA key has another length.',
    remedy: 'Give a seed of the length that the message names.'
  },
  RSA_KEY: {
    class: 'CryptoError',
    cause: 'Bytes that should be an RSA key are none of the form that is used here.',
    remedy: 'Give a key that this version made.'
  },
  RSA_ARGUMENT: {
    class: 'CryptoError',
    cause: 'Blocks of a length that RSA does not take, or a key that was wiped.',
    remedy: 'A programming error of the caller: the message says what is needed.'
  },
  RSA_CHECK: {
    class: 'CryptoError',
    cause: 'A block that was just sealed does not open again: this machine computed wrongly.',
    remedy: 'Nothing was given out. Test memory and CPU of this machine.'
  },
  RSA_PATH: {
    class: 'CryptoError',
    cause: 'This machine cannot run the RSA core that `DATDOT_NATIVE` or the caller asks for.',
    remedy: 'Unset `DATDOT_NATIVE`, or build the native part with `npm rebuild`.'
  },
  MODULUS_FACTOR: {
    class: 'CryptoError',
    cause: 'A modulus has a prime factor below 2^20.',
    remedy: 'Make another key; from a signer: it is not to be trusted with seal.'
  },
  MODULUS_POWER: {
    class: 'CryptoError',
    cause: 'A modulus is a power of a number.',
    remedy: 'Make another key; from a signer: it is not to be trusted with seal.'
  },
  MODULUS_PRIME: {
    class: 'CryptoError',
    cause: 'A modulus is prime, or looks like one.',
    remedy: 'Make another key; from a signer: it is not to be trusted with seal.'
  },
  PRIME_PROOF_FORM: {
    class: 'CryptoError',
    cause: 'Bytes that should prove how many primes a modulus has are no such proof.',
    remedy: 'Make the proof again; from a signer: update it.'
  },
  PRIME_PROOF_VALUE: {
    class: 'CryptoError',
    cause: 'A hashed value has a factor in common with the modulus, which by chance never happens.',
    remedy: 'Make another key.'
  },
  PRIME_PROOF_RANGE: {
    class: 'CryptoError',
    cause: 'A root in the proof of a modulus is not in its range.',
    remedy: 'Make the proof again; from a signer: update it.'
  },
  PRIME_PROOF_SQUARE: {
    class: 'CryptoError',
    cause: 'A square root in the proof of a modulus is none of its value.',
    remedy: 'Make the proof again; from a signer: the modulus may have more than four primes.'
  },
  PRIME_PROOF_ROOT: {
    class: 'CryptoError',
    cause: 'An N-th root in the proof of a modulus is none of its value.',
    remedy: 'Make the proof again; from a signer: the modulus may not be free of squares.'
  },
  PRIME_PROOF_KEY: {
    class: 'CryptoError',
    cause: 'No proof about its primes can be made for this key.',
    remedy: 'Make another key.'
  },
  BATCH_GCD: {
    class: 'CryptoError',
    cause: 'A list of moduli to be searched for common factors holds what is no modulus.',
    remedy: 'A programming error of the caller: the message says what is needed.'
  },
  FACTOR_RANGE: {
    class: 'CryptoError',
    cause: 'A number that is to be claimed as a factor has more bits than any modulus.',
    remedy: 'Claim a factor of the modulus.'
  },
  FACTOR_SEARCH: {
    class: 'CryptoError',
    cause: 'A search for factors was given bounds that it cannot keep.',
    remedy: 'A programming error of the caller: the message says what is needed.'
  },
  SEAL_PRIMES: {
    class: 'InputError',
    cause: 'A seal key of a number of primes that there is none of.',
    remedy: 'Take 3 or 4 primes.'
  },
  PROOF_INDEX: {
    class: 'ProofError',
    cause: 'A Merkle proof is asked for or given for leaves that its tree does not have.',
    remedy: 'Ask for distinct leaves of the tree. From a peer: the proof is worthless.'
  },
  PROOF_LENGTH: {
    class: 'ProofError',
    cause: 'A Merkle proof has not the nodes that its leaves need.',
    remedy: 'The proof is worthless: ask another peer.'
  },
  PROOF_BYTES: {
    class: 'ProofError',
    cause: "The sizes in a Merkle proof are impossible, or do not add up to the root's.",
    remedy: 'The proof is worthless: ask another peer.'
  },
  PROOF_ROOT: {
    class: 'ForgeryError',
    cause: 'A Merkle proof does not lead to the root.',
    remedy: 'The proof, or the chunk that it is for, is forged: ask another peer.'
  },
  TREE_EMPTY: {
    class: 'InputError',
    cause: 'The root of a tree without leaves was asked for.',
    remedy: 'A programming error of the caller: append a leaf first.'
  },
  TREE_RANGE: {
    class: 'InputError',
    cause: 'A place was asked for that the tree does not have.',
    remedy: 'A programming error of the caller: ask for a place inside the tree.'
  },
  SLICE_BODY: {
    class: 'ProofError',
    cause: 'Slices are asked for or given of a body of a length that no body has.',
    remedy: 'Take the length that the chain recorded. From a peer: the proof is worthless.'
  },
  SLICE_INDEX: {
    class: 'ProofError',
    cause: 'There is no slice of this number in a body of that length.',
    remedy: 'Ask for a slice of the body. From a peer: the proof is worthless.'
  },
  SLICE_LENGTH: {
    class: 'ProofError',
    cause: 'A slice has another length than the one at its place.',
    remedy: 'The proof is worthless: ask another peer.'
  },
  SLICE_SIBLINGS: {
    class: 'ProofError',
    cause: 'A slice comes with more or fewer siblings than prove it.',
    remedy: 'The proof is worthless: ask another peer.'
  },
  SLICE_READ: {
    class: 'ProofError',
    cause: 'What was read of a copy for an answer is not of the places and lengths that it must have.',
    remedy: 'Check the disk of the pinner: its copy is not what was recorded.'
  },
  SLICE_ROOT: {
    class: 'ForgeryError',
    cause: 'A slice and its siblings do not lead to the hash of the body.',
    remedy: 'The slice is forged: ask another peer.'
  },
  SLICE_GROUP: {
    class: 'ProofError',
    cause: 'A group of slices has another length than the one at its place.',
    remedy: 'Read the whole group; what is stored of it may be damaged.'
  },
  SLICE_VALUES: {
    class: 'ProofError',
    cause: 'The stored chaining values of a body have another length.',
    remedy: 'Compute them again from the body.'
  },
  ENGINE_OPTIONS: {
    class: 'InputError',
    cause: 'An engine without threads, or with less memory than it needs or more than there is.',
    remedy: 'Give it the least that the message names, or less memory.'
  },
  ENGINE_CLOSED: {
    class: 'EngineError',
    cause: 'The engine was closed while or before it was to work.',
    remedy: 'A programming error of the caller, unless it is closing itself.'
  },
  ENGINE_SOURCE: {
    class: 'EngineError',
    cause: 'A source of chunks gives bytes and lengths that do not fit each other.',
    remedy: 'A programming error of the source: the lengths of a run add up to its bytes.'
  },
  ENGINE_CRASH: {
    class: 'EngineError',
    cause: 'Worker threads crashed twice on the same chunks; the crash is the cause.',
    remedy: 'Look at the cause: often memory. If the chunks are good, report it.'
  },
  ENGINE_WORKERS: {
    class: 'EngineError',
    cause: 'Worker threads cannot be started or do not stay alive; what they died of is the cause.',
    remedy: 'Give the process more memory or threads, or build again with `npm run build`.'
  },
  ENGINE_TIMEOUT: {
    class: 'EngineError',
    cause:
      'A worker thread did not come to the end of a task; it was ended and replaced, and the task given up.',
    remedy:
      'Report it, with the input if the log says where it is kept: no task may take so long, whatever it is given.'
  },
  ENGINE_TASK: {
    class: 'EngineError',
    cause: 'A task failed in a worker with an error that datdot did not throw; the message repeats it.',
    remedy: 'If it is not the machine (memory, disk), report it.'
  }
} as const satisfies ErrorArea
