import type { ErrorArea } from './entry.js'

/** What is proven to the chain and to auditors: evidence, refusals, originals; and what an audit finds. */
export const evidenceErrors = {
  EVIDENCE_MALFORMED: {
    class: 'ProofError',
    cause: 'The evidence of an answer cannot be read.',
    remedy: 'Its pinner failed the challenge. Whose pinner it is: update it.'
  },
  EVIDENCE_MISSING: {
    class: 'ProofError',
    cause: 'The evidence of an answer has no slice for a step of the walk.',
    remedy: 'Its pinner failed the challenge. Whose pinner it is: check its disk.'
  },
  EVIDENCE_EXTRA: {
    class: 'ProofError',
    cause: 'The evidence of an answer has a slice that the walk does not visit.',
    remedy: 'Its pinner failed the challenge. Whose pinner it is: update it.'
  },
  EVIDENCE_STATE: {
    class: 'ForgeryError',
    cause: 'The slices of an answer lead to another state than the one that its pinner signed.',
    remedy: 'Its pinner lied and is punished. Whose pinner it is: check its disk and update it.'
  },
  EVIDENCE_CLAIM: {
    class: 'ChainError',
    cause: 'The evidence that came is not the one that was answered with.',
    remedy: 'Send the evidence whose hash the answer named, within its time.'
  },
  EVIDENCE_NOT_ASKED: {
    class: 'ChainError',
    cause: 'The chain waits for no such evidence from this key, or waits no more.',
    remedy: 'Ask the chain what is due before sending; look at the outcome on the log.'
  },
  EVIDENCE_LATE: {
    class: 'ChainError',
    cause: 'The time for this evidence is over.',
    remedy: 'Nothing for this one. Check the upload rate and the clock of the pinner.'
  },
  EVIDENCE_TOO_LARGE: {
    class: 'ChainError',
    cause: 'An evidence is larger than any of its kind, or than was announced.',
    remedy: 'Update the pinner: it does not keep to the protocol.'
  },
  EVIDENCE_ORDER: {
    class: 'ChainError',
    cause: 'A piece of an evidence came out of its turn.',
    remedy: 'Send the pieces in order, or begin the upload again.'
  },
  EVIDENCE_UPLOAD: {
    class: 'ChainError',
    cause: 'There is no such upload on this connection: it is complete, was given up, or never begun.',
    remedy: 'Begin the upload again; clients do it by themselves.'
  },
  EVIDENCE_INCOMPLETE: {
    class: 'ChainError',
    cause: 'The bytes of an evidence were asked for before all had come.',
    remedy: 'A programming error of the caller: wait until the upload is complete.'
  },
  EVIDENCE_KNOWN: {
    class: 'ChainError',
    cause: 'This challenge or refusal has its evidence already.',
    remedy: 'Nothing: the first evidence counts.'
  },
  EVIDENCE_UNKNOWN: {
    class: 'ChainError',
    cause: 'No evidence is kept of this challenge or refusal: it never came, or its window is over.',
    remedy: 'Ask within the evidence window.'
  },
  EVIDENCE_DAMAGED: {
    class: 'ChainError',
    cause: 'A block of the public evidence core is not a piece of the evidence that it should be.',
    remedy:
      "Whose chain it is: restore the chain's folder. In an audit: the chain publishes what it should not."
  },
  EVIDENCE_UNAVAILABLE: {
    class: 'ChainError',
    cause: 'Evidence inside the window is not to be had, and the audit was told to insist on it.',
    remedy: 'Try again later or from another place; if it stays away, the chain withholds it.'
  },
  EVIDENCE_DIFFERS: {
    class: 'ChainError',
    cause: 'An audit found another evidence in public than the one that the log names.',
    remedy: 'The chain does not keep to the protocol: hold the log against it.'
  },
  VERDICT_DIFFERS: {
    class: 'ChainError',
    cause: 'An audit came to another verdict on public evidence than the log says.',
    remedy: 'The chain does not keep to the protocol: hold log and evidence against it.'
  },
  WALK_CHALLENGE: {
    class: 'ChainError',
    cause: 'A challenge is none that can be walked.',
    remedy: 'The chain or the log that it comes from does not keep to the protocol.'
  },
  ORIGINAL_PROOF_FORMAT: {
    class: 'ProofError',
    cause: 'Bytes that should prove a block of an original are no such proof.',
    remedy: 'The proof is worthless: ask another peer.'
  },
  ORIGINAL_PROOF_SHAPE: {
    class: 'ProofError',
    cause: 'A proof does not fit the block of the original that it should prove.',
    remedy: 'The proof is worthless: ask another peer.'
  },
  ORIGINAL_PROOF_HASH: {
    class: 'ForgeryError',
    cause: 'A block is not the one that the author signed.',
    remedy: 'The block is forged: fetch it again, from another peer.'
  },
  REFUSAL_MALFORMED: {
    class: 'ProofError',
    cause: "The evidence of a pinner's refusal cannot be read.",
    remedy: 'The refusal counts against its pinner. Whose pinner it is: update it.'
  },
  REFUSAL_HASH: {
    class: 'ProofError',
    cause: 'The evidence is not the one that the refusal named.',
    remedy: 'Send the evidence that was refused with.'
  },
  REFUSAL_RECORD: {
    class: 'ProofError',
    cause: "What the signer signed is of another segment than the refused draw's.",
    remedy: 'The refusal counts against its pinner. Whose pinner it is: update it.'
  },
  REFUSAL_SIGNATURE: {
    class: 'ProofError',
    cause: 'The signer did not sign what the refusal shows.',
    remedy: 'The refusal counts against its pinner. Whose pinner it is: update it.'
  },
  REFUSAL_UNFOUNDED: {
    class: 'ProofError',
    cause: 'What the refusal shows is no fault of the signer.',
    remedy: 'The refusal counts against its pinner. Whose pinner it is: check memory and disk, and update it.'
  },
  REFUSAL_FACTOR: {
    class: 'Finding',
    cause: "A factor of the segment's RSA modulus is known, so it is not the signer's alone.",
    remedy: 'The refusal is upheld and the signer pays. Whose signer it is: guard its keys, and update it.'
  },
  REFUSAL_CONTRADICTION: {
    class: 'Finding',
    cause: 'The signer signed two roots of the same blocks under one key.',
    remedy: 'The refusal is upheld and the signer pays. Whose signer it is: check its memory, and update it.'
  },
  REFUSAL_OTHER_BLOCK: {
    class: 'Finding',
    cause: "The signer signed a chunk that decodes to another block than the author's.",
    remedy: 'The refusal is upheld and the signer pays. Whose signer it is: check its memory, and update it.'
  },
  OPENING_MALFORMED: {
    class: 'ProofError',
    cause: 'The opening of a chunk cannot be read.',
    remedy: 'Send it again within its time. Whose pinner it is: update it.'
  },
  OPENING_OTHER_BLOCK: {
    class: 'Finding',
    cause: "A chunk that was opened decodes to another block than the author's.",
    remedy:
      'Its pinner and its signer lied and are punished. Whose they are: check memory and disk, and update them.'
  },
  LOG_EMPTY: {
    class: 'Finding',
    cause: 'An audit found no entry in the log.',
    remedy: 'Check that the right log was named, and that its chain publishes it.'
  },
  LOG_BROKEN: {
    class: 'ChainError',
    cause: 'An entry of the log cannot be applied; the message says what does not hold.',
    remedy:
      'The chain does not keep to the protocol, or the log is damaged: hold it against the published one.'
  },
  ENTRY_ORDER: {
    class: 'Finding',
    cause: 'An audit found an entry with another number than its place in the log.',
    remedy: 'The chain does not keep to the protocol, or the log is damaged.'
  },
  ENTRY_TIME: {
    class: 'Finding',
    cause: 'An audit found an entry with another time than the rules give it.',
    remedy: 'The chain does not keep to the protocol, or the log is damaged.'
  },
  RECEIPT_BROKEN: {
    class: 'Finding',
    cause: 'An audit found that an entry which the chain gave a receipt for is another one, or is not there.',
    remedy: 'The chain has broken its word: keep the receipt, which shows it to anybody.'
  },
  HEAD_MISSING: {
    class: 'Finding',
    cause: 'An audit found no entry with the hash that it was told to look for.',
    remedy: 'The log is another one than was seen then, or ends before: compare with who saw it.'
  },
  ENTRY_HASH: {
    class: 'Finding',
    cause: 'An audit found an entry whose hash does not chain to the one before.',
    remedy: 'The log was changed after it was written: hold it against the published one.'
  },
  ENTRY_GAP: {
    class: 'Finding',
    cause: "An audit found entries in a ledger's file beyond the end of its log.",
    remedy: 'The file is damaged: restore it, or build it again from the log.'
  },
  GENESIS_MISSING: {
    class: 'Finding',
    cause: 'An audit found a log that does not begin with a genesis.',
    remedy: 'The log is damaged, or is none of a chain.'
  },
  EFFECTS_DIFFER: {
    class: 'Finding',
    cause: 'An audit found an operation with other effects than its entry binds.',
    remedy: 'The chain does not keep to the rules, or its file is damaged.'
  },
  STATE_DIFFERS: {
    class: 'Finding',
    cause: "An audit found a table of a ledger's file that does not hold what the log leads to.",
    remedy: 'The file was changed or is damaged: restore it, or build it again from the log.'
  },
  POSTINGS_DIFFER: {
    class: 'Finding',
    cause: "An audit found postings in a ledger's file that are not those of the log.",
    remedy: 'The file was changed or is damaged: restore it, or build it again from the log.'
  },
  FILE_DAMAGED: {
    class: 'Finding',
    cause: "SQLite finds the ledger's file damaged.",
    remedy: 'Restore the file from a backup, or build it again from the published log.'
  }
} as const satisfies ErrorArea
