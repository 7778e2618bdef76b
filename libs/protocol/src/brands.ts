declare const brand: unique symbol

/** A number that only one kind of field takes; `number as Offset` at the edge makes one. */
type Branded<Name extends string> = number & { readonly [brand]?: Name }

/** Position of a record in a partition. */
export type Offset = Branded<'Offset'>
export type ProducerId = Branded<'ProducerId'>
export type ProducerEpoch = Branded<'ProducerEpoch'>
/** Epoch of a partition's leader. */
export type LeaderEpoch = Branded<'LeaderEpoch'>
/** Generation of a classic group. */
export type GenerationId = Branded<'GenerationId'>
