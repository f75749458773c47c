import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Deprecated } from '../../src/platform/http/deprecated.decorator';
import { createHttpAdapter } from '../../src/platform/http/http-adapter';

@Controller('v1/old-things')
class OldThingsController {
  @Deprecated({ since: '2026-12-01', sunset: '2027-12-01', link: 'https://example.com/changes' })
  @Get()
  list(): object {
    return { data: [] };
  }
}

@Module({ controllers: [OldThingsController] })
class OldThingsModule {}

describe('a deprecated route', () => {
  let app: NestFastifyApplication;
  beforeAll(async () => {
    app = await NestFactory.create<NestFastifyApplication>(OldThingsModule, createHttpAdapter(), {
      bodyParser: false,
      logger: false,
    });
    await app.init();
  });
  afterAll(() => app.close());

  it('says on every answer since when, until when, and what replaces it', async () => {
    const { headers, statusCode } = await app.inject({ method: 'GET', url: '/v1/old-things' });

    expect(statusCode).toBe(200);
    // RFC 9745, section 2.1: a date as in structured fields. RFC 8594, section 3: an HTTP date.
    expect(headers['deprecation']).toBe('@1796083200');
    expect(headers['sunset']).toBe('Wed, 01 Dec 2027 00:00:00 GMT');
    expect(headers['link']).toBe('<https://example.com/changes>; rel="deprecation"; type="text/html"');
  });

  it('is marked in the document', () => {
    const document = SwaggerModule.createDocument(app, new DocumentBuilder().build());

    expect(document.paths['/v1/old-things']?.get?.deprecated).toBe(true);
  });

  it('stays for a year at least', () => {
    expect(() => Deprecated({ since: '2026-12-01', sunset: '2027-11-30', link: 'https://example.com' })).toThrow(
      /a year/,
    );
  });
});
