import { SetMetadata } from '@nestjs/common';

const PUBLIC = 'public-route';

/** Declares a route that anybody may call. */
export const Public = () => SetMetadata(PUBLIC, true);

export function isPublic(...places: object[]): boolean {
  return places.some((place) => Reflect.getMetadata(PUBLIC, place) === true);
}
