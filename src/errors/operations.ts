import type { ErrorArea } from './entry.js'

/** Why the chain refuses an operation. Nothing of a refused operation stays, and it is not on the log. */
export const operationErrors = {
  OPERATION_MALFORMED: {
    class: 'ChainError',
    cause: 'Bytes are not a valid operation, entry or message of the chain.',
    remedy: 'Update whoever sent them: they do not keep to the formats.'
  },
  OPERATION_TOO_LARGE: {
    class: 'ChainError',
    cause: 'An operation has more bytes than any may have.',
    remedy: 'Split it, where it is a list.'
  },
  OPERATION_UNKNOWN: {
    class: 'ChainError',
    cause: 'An operation of a kind or version that is not known here.',
    remedy: 'Update datdot, or send what this chain knows.'
  },
  SIGNATURE_WRONG: {
    class: 'ChainError',
    cause: 'A signature of an operation does not hold for its sender and this chain.',
    remedy: 'Sign with the key of the sender, over the id of this chain.'
  },
  ACCOUNT_UNKNOWN: {
    class: 'ChainError',
    cause: 'The sender of an operation has no account.',
    remedy: 'Have somebody transfer to its key first.'
  },
  NONCE_WRONG: {
    class: 'ChainError',
    cause: "An operation does not carry its sender's next nonce.",
    remedy: 'Ask for the account and sign again; clients do it by themselves.'
  },
  ANCHOR_UNKNOWN: {
    class: 'ChainError',
    cause: 'An operation names an entry that this log does not have: its sender saw another past.',
    remedy: 'If it was signed for this chain, its past was changed: keep your receipts and ask its operator.'
  },
  ANCHOR_OLD: {
    class: 'ChainError',
    cause: 'An operation names an entry that lies too far back.',
    remedy: 'Sign again over a newer entry; clients do it by themselves.'
  },
  NOT_THE_CHAIN: {
    class: 'ChainError',
    cause: 'An operation that only the chain itself may send came from somebody else.',
    remedy: 'Do not send it.'
  },
  GENESIS_KNOWN: {
    class: 'ChainError',
    cause: 'A second genesis.',
    remedy: 'Start another chain in another folder.'
  },
  PARAMETERS_INVALID: {
    class: 'ChainError',
    cause: 'A parameter that must not be 0 is.',
    remedy: 'Give the parameter that the message names a value.'
  },
  RULES_UNKNOWN: {
    class: 'ChainError',
    cause: 'A log is written by rules of a version that is not known here.',
    remedy: 'Take a version of datdot that knows them.'
  },
  SUPPLY_TOO_LARGE: {
    class: 'ChainError',
    cause: 'A genesis creates more money than the ledger can count.',
    remedy: 'Allocate less than 2^62 grains in all.'
  },
  AMOUNT_ZERO: {
    class: 'ChainError',
    cause: 'A transfer or donation of nothing.',
    remedy: 'Give an amount.'
  },
  TRANSFER_TO_SELF: {
    class: 'ChainError',
    cause: 'Sender and receiver of a transfer are the same.',
    remedy: 'Give another receiver.'
  },
  BALANCE_TOO_LOW: {
    class: 'ChainError',
    cause: 'The sender has less than the operation costs.',
    remedy: 'Get more grains, or give less.'
  },
  FEE_UNPAID: {
    class: 'ChainError',
    cause:
      'What is left of the balance does not pay the fee of the operation, which is burned by its bytes and what it makes every ledger do.',
    remedy: 'Get more grains, or give less: `--dry-run` says what the fee is.'
  },
  HYPERCORE_UNKNOWN: {
    class: 'ChainError',
    cause: 'The hypercore is not registered.',
    remedy: 'Sponsor it first.'
  },
  HYPERCORE_KNOWN: {
    class: 'ChainError',
    cause: 'The hypercore is registered already.',
    remedy: 'Donate to it.'
  },
  HYPERCORE_LAPSED: {
    class: 'ChainError',
    cause: 'Nobody paid for the hypercore any more, and its copies were given up.',
    remedy: 'Sponsor it again.'
  },
  HYPERCORE_EMPTY: {
    class: 'ChainError',
    cause: 'The hypercore has no blocks yet: it may be registered, and waits.',
    remedy: 'Wait until its author has written something; what has copies then is what was signed.'
  },
  ORIGINAL_INVALID: {
    class: 'ChainError',
    cause: "Length, size, tree and author's signature of a hypercore do not hold together.",
    remedy: 'Register what the author signed, at its newest length and fork.'
  },
  PLAN_INVALID: {
    class: 'ChainError',
    cause: 'The plan of a hypercore (copies, challenges, largest size) is outside of what the rules allow.',
    remedy: 'Change what the message names.'
  },
  PLAN_EXCEEDED: {
    class: 'ChainError',
    cause: 'A hypercore has grown beyond what its plan pays for.',
    remedy: 'Sponsor it anew with a larger plan once it has lapsed, or put the rest into another hypercore.'
  },
  FORK_CHANGED: {
    class: 'ChainError',
    cause:
      'A hypercore was told to have grown by a length of another fork: its author has rewritten it since.',
    remedy: 'Nothing: pinners say that it is forked, and how much of it that leaves.'
  },
  FORK_OLD: {
    class: 'ChainError',
    cause: 'A hypercore was told to be forked by a fork that is not newer than what the chain knows of.',
    remedy: 'Nothing: the chain knows a newer one.'
  },
  FORK_PROOF_SHAPE: {
    class: 'ChainError',
    cause: 'What should show how much a fork of a hypercore leaves does not fit its lengths.',
    remedy: 'Make it from both trees again.'
  },
  FORK_PROOF_HASH: {
    class: 'ChainError',
    cause: 'A fork of a hypercore has more or less in common with what is on record than is said.',
    remedy: 'Make it from both trees again; the hypercore may have grown meanwhile.'
  },
  FORK_EARLY: {
    class: 'ChainError',
    cause:
      'A fork takes more than half of a hypercore away, or does not show what it leaves, and has to wait.',
    remedy:
      'Wait; who wants to keep what was there reads it from the pinners before and puts it into a hypercore of its own.'
  },
  HYPERCORE_CONFLICTED: {
    class: 'ChainError',
    cause:
      'The author of a hypercore has signed two trees of one fork and length: its key is in two hands, or was restored from a backup.',
    remedy: 'Go on in a new hypercore. What is on record is kept for as long as it is paid.'
  },
  NO_CONFLICT: {
    class: 'ChainError',
    cause: 'What should show that an author has signed two trees of one fork and length does not.',
    remedy: 'Nothing: the hypercore goes on.'
  },
  LENGTH_NOT_LONGER: {
    class: 'ChainError',
    cause: 'A hypercore was told to have grown to a length that it has already.',
    remedy: 'Nothing: the chain knows this length.'
  },
  GROWTH_EARLY: {
    class: 'ChainError',
    cause:
      'A hypercore has grown by too little, or too soon after the last time, to have a segment made of it.',
    remedy: 'Nothing: pinners hold what is new plainly, and send it when its time has come.'
  },
  GROWTH_UNPAID: {
    class: 'ChainError',
    cause:
      'A hypercore has grown, and its balance does not pay for that and a grace of what is due on its copies.',
    remedy: 'Donate to it.'
  },
  ROLE_UNKNOWN: {
    class: 'ChainError',
    cause: 'The sender has not the role that the operation is for.',
    remedy: 'Register for the role first.'
  },
  ROLE_RETIRING: {
    class: 'ChainError',
    cause: 'The sender is leaving the role.',
    remedy: 'Wait until its tasks are over; then it can register again.'
  },
  DEPOSIT_TOO_LOW: {
    class: 'ChainError',
    cause: 'A role was registered with less deposit than the rules ask for.',
    remedy: 'Deposit at least what the message names.'
  },
  PAYOUT_OTHER: {
    class: 'ChainError',
    cause: 'A role pays out to another account than the sender says it does, or than the sender is.',
    remedy:
      'Sign with the key of the account that the role pays out to; datdot balance KEY shows which one that is.'
  },
  PAYOUT_KNOWN: {
    class: 'ChainError',
    cause: 'The role pays out to this account already.',
    remedy: 'Nothing to do.'
  },
  KEY_KNOWN: {
    class: 'ChainError',
    cause: 'The key that is to take the place of another one has an account already.',
    remedy: 'Make a new identity: what a key was before cannot be mixed with what another one was.'
  },
  KEY_BUSY: {
    class: 'ChainError',
    cause:
      'The identity whose key is to be replaced is one side of a delivery, or of a refusal that is not judged yet.',
    remedy: 'Stop its program, and try again when the delivery is over.'
  },
  CAPACITY_IN_USE: {
    class: 'ChainError',
    cause: 'A pinner would offer less space than its segments use.',
    remedy: 'Offer at least what the message names.'
  },
  DRAW_NOT_OPEN: {
    class: 'ChainError',
    cause: 'The draw is unknown, done, or was made again with others.',
    remedy: 'Nothing: ask for the assignments that are open now.'
  },
  NOT_DRAWN: {
    class: 'ChainError',
    cause: 'The sender, or its peer, was not drawn for this.',
    remedy: 'Ask for the own assignments.'
  },
  NOT_WAITING: {
    class: 'ChainError',
    cause: 'The draw does not wait for this step now.',
    remedy: 'Ask for the state of the task: somebody was faster, or it is too early.'
  },
  ACKNOWLEDGED: {
    class: 'ChainError',
    cause: 'The sender has acknowledged this draw already.',
    remedy: 'Nothing.'
  },
  UNSERVED_SAID: {
    class: 'ChainError',
    cause: 'The pinner of this draw has said already that it finds nobody who serves the hypercore.',
    remedy: 'Nothing: its signer goes on looking.'
  },
  SEGMENT_MISMATCH: {
    class: 'ChainError',
    cause: 'A segment is another one than was drawn or delivered; the message names the field.',
    remedy: 'Encode and sign the segment of the assignment.'
  },
  SEGMENT_SHORT: {
    class: 'ChainError',
    cause: 'Part of a segment was accepted while its signer still has time to deliver the rest.',
    remedy: "Wait for the rest, or until the signer's time is over."
  },
  MODULUS_WEAK: {
    class: 'ChainError',
    cause:
      'The RSA modulus of a segment is even, too short or long, prime, a power, or has a factor below 2^20.',
    remedy: 'Seal with a key as this datdot makes them.'
  },
  COMMITMENT_WORK: {
    class: 'ChainError',
    cause: 'A commitment to a factor does not begin with the zero bits that the rules ask for.',
    remedy: 'Try salts until it does; `datdot claim-bounty` does it by itself.'
  },
  COMMITMENT_KNOWN: {
    class: 'ChainError',
    cause: 'The sender has committed to this factor already.',
    remedy: 'Show it two rounds after that.'
  },
  FACTOR_UNCOMMITTED: {
    class: 'ChainError',
    cause: 'A factor is shown that its sender has not committed to, or so long ago that it is forgotten.',
    remedy: 'Commit to segment, own key, factor and salt first; the bounty is of who did so first.'
  },
  REVEAL_EARLY: {
    class: 'ChainError',
    cause: 'A factor is shown before its commitment is old enough to be safe from others.',
    remedy: 'Show it in the round that the message names.'
  },
  FACTOR_WRONG: {
    class: 'ChainError',
    cause: 'A number that is shown as a factor of a modulus is 1, the modulus, or does not divide it.',
    remedy: 'Check segment and factor: a factor is 256 bytes, big-endian.'
  },
  ROOT_EARLY: {
    class: 'ChainError',
    cause: 'A root is of the value of a round in which the signer still needed its key.',
    remedy: 'Take a round after the segment was accepted.'
  },
  ROOT_WRONG: {
    class: 'ChainError',
    cause: 'A number is no root of the value that belongs to this segment, round and sender.',
    remedy: 'Ask for the value again: it names the key that claims.'
  },
  BOUNTY_NONE: {
    class: 'ChainError',
    cause: 'Nothing is locked for this segment: it has no modulus, is replaced, or its time is over.',
    remedy: 'Nothing: there is no bounty on it (any more).'
  },
  BOUNTY_CLAIMED: {
    class: 'ChainError',
    cause: 'Somebody has an older claim on this bounty.',
    remedy: 'Nothing: the signer is convicted, and who was first is paid.'
  },
  MODULUS_USED: {
    class: 'ChainError',
    cause: 'Another segment is sealed with the same RSA modulus.',
    remedy: 'Seal with a key of its own.'
  },
  REFUSAL_UNKNOWN: {
    class: 'ChainError',
    cause: 'No refusal of this draw waits for a verdict.',
    remedy: 'Nothing: it was judged, or expired.'
  },
  ANSWER_EMPTY: {
    class: 'ChainError',
    cause: 'An answer without a challenge in it, by a pinner that is not away.',
    remedy: 'Answer at least one; without any, it only says that its sender is back.'
  },
  PAUSE_TIME: {
    class: 'ChainError',
    cause: 'A pause that would begin sooner than a whole epoch from now, or more than a month ahead.',
    remedy: 'Have it begin with an epoch that the message names. Who is gone before is away, and is not paid.'
  },
  PAUSE_TOO_LONG: {
    class: 'ChainError',
    cause: 'With this pause the pauses of a month would come to more than the network’s pauseMs.',
    remedy: 'Pause for as many epochs as the message says, or later in the month.'
  },
  PAUSE_KNOWN: {
    class: 'ChainError',
    cause: 'This pinner has announced a pause already that is not over.',
    remedy: 'Take that back first, or wait for its end.'
  },
  PAUSE_UNKNOWN: {
    class: 'ChainError',
    cause: 'There is no pause to end that begins with this epoch.',
    remedy: 'Nothing: it is over, or was never announced.'
  },
  OPENING_UNKNOWN: {
    class: 'ChainError',
    cause: 'No opening after this challenge is asked for.',
    remedy: 'Nothing: it was judged, or its copy is gone.'
  },
  OPENING_VERDICT: {
    class: 'ChainError',
    cause: 'The chain says of an opening what it cannot say yet, or without the evidence that it would need.',
    remedy: 'Whose chain it is: update it. In an audit: the chain does not keep to the protocol.'
  },
  CHALLENGE_NOT_OPEN: {
    class: 'ChainError',
    cause: 'The challenge is answered, settled, expired, or for another pinner.',
    remedy: 'Ask for the challenges that are due.'
  },
  REPORTS_CLOSED: {
    class: 'ChainError',
    cause: 'Reports of an epoch were committed to before or after their time.',
    remedy: 'Commit while the epoch is the current one.'
  },
  TOO_MANY_COMMITMENTS: {
    class: 'ChainError',
    cause: 'A verifier committed more often in one epoch than it may.',
    remedy: 'Commit once, to all reports of the epoch.'
  },
  REVEAL_CLOSED: {
    class: 'ChainError',
    cause: 'Reports were revealed before or after their time.',
    remedy: 'Reveal in the epoch after the one that was reported on.'
  },
  NOT_COMMITTED: {
    class: 'ChainError',
    cause: 'Reports were revealed that their verifier did not commit to.',
    remedy: 'Reveal exactly what was committed to, with its salt.'
  },
  TIME_BACKWARDS: {
    class: 'ChainError',
    cause: 'An entry with an earlier chain time than the entry before.',
    remedy: 'The chain does not keep to the rules: hold the log against it.'
  },
  TIME_SLEW: {
    class: 'ChainError',
    cause: "A tick leads the chain's date further from the time that went by than 5 %, or back.",
    remedy: 'The chain does not keep to the rules: hold the log against it.'
  },
  TIME_NEAR: {
    class: 'ChainError',
    cause: "The chain's date is corrected by an hour or less, which ticks do by themselves.",
    remedy: 'Nothing: let the chain run.'
  },
  ARRIVED_WRONG: {
    class: 'ChainError',
    cause:
      'An entry says that what it holds came after it was logged, before its sender can have sent it, or before a tick that had all until then.',
    remedy: 'The chain does not keep to the rules: hold the log against it.'
  },
  WORK_ZERO: {
    class: 'ChainError',
    cause: 'A tick that may do nothing.',
    remedy: 'Allow it at least one step of work.'
  },
  BEACON_LENGTH: {
    class: 'ChainError',
    cause: 'A beacon of fewer or more rounds than an onion has.',
    remedy: 'Take 2 to 2^24 layers.'
  },
  BEACON_ROUND: {
    class: 'ChainError',
    cause:
      'A tick or a question names a round of the beacon that has not begun, is over or is another onion’s, or that there is none of.',
    remedy: 'Show the value of the last round that has begun, and the last one of each onion.'
  },
  BEACON_FORGED: {
    class: 'ChainError',
    cause: 'The value of a beacon is not the one that the chain committed to.',
    remedy: 'The chain does not keep to the protocol, or was given the seed of another beacon.'
  },
  ONION_KNOWN: {
    class: 'ChainError',
    cause: 'A tick commits to the next onion a second time.',
    remedy: 'The chain does not keep to the protocol: hold the log against it.'
  }
} as const satisfies ErrorArea
