export { KeyWrapping, WrappingKeyRefused } from './key-wrapping.js';
export { OpenedParts } from './opened-parts.js';
export { isSealed, openPart, SealBroken, type SealedPart, type SealedPlace, sealPart } from './sealed-part.js';
export {
  destroyKeys,
  ERASED_CHANNEL,
  type KeyRing,
  replacesLost,
  type SubjectKey,
  SubjectKeyMissing,
  SubjectKeys,
} from './subject-keys.js';
