/** A shape of the API's document with some of its fields described more exactly. */
export type Refined<
  Shape,
  Fields extends { [Field in keyof Fields]: Field extends keyof Shape ? unknown : never },
> = Omit<Shape, keyof Fields> & Fields
