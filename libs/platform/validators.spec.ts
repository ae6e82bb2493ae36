import { Body, Controller, Get, Module, Post, Query } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { createHttpApp } from './http-app.js';
import { ListQuery } from './list-query.js';
import { createLogger } from './logging.js';
import { InputPipe } from './validation.js';
import {
  IsFreeText,
  IsIsoInstant,
  IsName,
  IsNested,
  IsNestedList,
  IsTrueOrFalse,
  IsUlid,
  IsWholeNumber,
  Nullable,
  Omittable,
} from './validators.js';

class Inner {
  @IsName(5)
  name!: string;
}

class Outer {
  @IsName(5)
  name!: string;

  @Nullable()
  @IsFreeText(9)
  note?: string | null;

  @Omittable()
  @IsUlid({ each: true })
  ids?: string[];

  @Omittable()
  @IsIsoInstant()
  until?: string;

  @Omittable()
  @IsWholeNumber(1, 9)
  count?: number;

  @Omittable()
  @IsNested(() => Inner)
  inner?: Inner;

  @Omittable()
  @IsNestedList(() => Inner, 3)
  inners?: Inner[];
}

class Filter {
  @Omittable()
  @IsTrueOrFalse()
  open?: boolean;
}

@Controller('v1/outers')
class OutersController {
  @Post()
  create(@Body() _body: Outer): void {}

  @Get()
  list(@Query() _query: ListQuery): void {}
}

@Module({ controllers: [OutersController] })
class OutersModule {}

const pipe = new InputPipe();
const read = (body: unknown) => pipe.transform(body, { type: 'body', metatype: Outer });

const readQuery = (query: unknown) => pipe.transform(query, { type: 'query', metatype: Filter });

describe('a rule of a field', () => {
  it('normalises before it judges', async () => {
    await expect(read({ name: `\u0000\u0007abcde  ` })).resolves.toMatchObject({ name: 'abcde' });
    await expect(read({ name: 'x', note: 'a\r\nb\u0000 ' })).resolves.toMatchObject({ note: 'a\nb' });
  });

  it('counts code points', async () => {
    await expect(read({ name: '👍👍👍👍👍' })).resolves.toBeInstanceOf(Outer);
    await expect(read({ name: '👍👍👍👍👍👍' })).rejects.toMatchObject({ extra: { field: 'name' } });
  });

  it('refuses half a surrogate pair', async () => {
    await expect(read({ name: 'a\ud800' })).rejects.toMatchObject({ code: 'invalid', extra: { field: 'name' } });
    await expect(read({ name: 'a', note: '\udc00' })).rejects.toMatchObject({ extra: { field: 'note' } });
  });

  it('that may be absent may not be null, unless it says so', async () => {
    await expect(read({ name: 'a', until: null })).rejects.toMatchObject({ extra: { field: 'until' } });
    await expect(read({ name: 'a', note: null })).resolves.toMatchObject({ note: null });
  });

  it.each([
    ['true', true],
    ['false', false],
  ])('takes the word %s of a query as what it says', async (open, meant) => {
    await expect(readQuery({ open })).resolves.toEqual({ open: meant });
  });

  it.each(['', '1', 'TRUE', 'yes', 'null'])('takes no other word of a query for a switch: %j', async (open) => {
    await expect(readQuery({ open })).rejects.toMatchObject({
      code: 'malformed-query',
      detail: 'open must be true or false',
    });
  });

  it('says what it wants', async () => {
    await expect(read({ name: '' })).rejects.toMatchObject({
      detail: "name must be text of 1 to 5 characters that isn't blank",
    });
    await expect(read({ name: 'a', ids: ['x'] })).rejects.toMatchObject({
      detail: 'each of ids must be an id of 26 characters',
    });
    await expect(read({ name: 'a', inner: { name: 5 } })).rejects.toMatchObject({
      detail: "inner.name must be text of 1 to 5 characters that isn't blank",
    });
    for (const count of [0, 10, 1.5, '5', true, {}, null]) {
      const detail = 'count must be a whole number from 1 to 9';
      const errors = [{ field: 'count', message: detail }];
      await expect(read({ name: 'a', count })).rejects.toMatchObject({ detail, extra: { errors } });
    }
  });

  it('is part of the OpenAPI document', async () => {
    const app = await createHttpApp(OutersModule, { logger: createLogger({ level: 'silent', name: 'spec' }) });
    await app.init();
    const { components, paths } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    await app.close();
    expect(components?.schemas?.['Outer']).toEqual({
      type: 'object',
      required: ['name'],
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 5 },
        note: { type: 'string', maxLength: 9, nullable: true },
        ids: { type: 'array', items: { type: 'string', pattern: expect.any(String) } },
        until: { type: 'string', format: 'date-time' },
        count: { type: 'integer', minimum: 1, maximum: 9 },
        inner: { $ref: '#/components/schemas/Inner' },
        inners: { type: 'array', items: { $ref: '#/components/schemas/Inner' } },
      },
    });
    expect(paths['/v1/outers']?.get?.parameters).toMatchObject([
      { name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 } },
      { name: 'cursor', required: false, schema: { type: 'string' } },
    ]);
  });
});
