-- Every one, two and three characters in a row of a text, each behind a mark of the time of creation: one of sixteen for each 2^22
-- milliseconds (70 minutes), in turn. A search takes a part of the library after the other and ends when it has counted enough. Upper and
-- lower case are one in letters that are here or in ASCII. It needs PostgreSQL 14.
SET LOCAL statement_timeout = 0;

CREATE FUNCTION asset_grams(words TEXT, made BIGINT) RETURNS TEXT[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    folded TEXT COLLATE "C" := lower(words COLLATE "C");
    mark TEXT COLLATE "C" := chr(64 + CAST((made >> 22) & 15 AS INTEGER));
    letters TEXT[] COLLATE "C";
    grams TEXT[] COLLATE "C" := '{}';
    gram TEXT COLLATE "C";
BEGIN
    IF octet_length(folded) > char_length(folded) THEN
        folded := translate(folded,
            E'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮĲĴĶĹĻĽĿŁŃŅ'
            'ŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽ\u0345ΆΈΉΊΌΎΏΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΪΫςЀ'
            'ЁЂЃЄЅІЇЈЉЊЋЌЍЎЏАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁ'
            'ՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖẠẢẤẦẨẪẬẮẰẲẴẶẸẺẼẾỀỂỄỆỈỊỌỎỐỒỔỖỘỚỜỞỠỢỤỦỨỪỬỮỰỲỴ'
            'ỶỸ\u2126\u212A\u212B',
            E'àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþāăąćĉċčďđēĕėęěĝğġģĥħĩīĭįĳĵķĺļľŀłńņ'
            'ňŋōŏőœŕŗřśŝşšţťŧũūŭůűųŵŷÿźżžιάέήίόύώαβγδεζηθικλμνξοπρστυφχψωϊϋσѐ'
            'ёђѓєѕіїјљњћќѝўџабвгдежзийклмнопрстуфхцчшщъыьэюяաբգդեզէըթժիլխծկհձ'
            'ղճմյնշոչպջռսվտրցւփքօֆạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵ'
            'ỷỹωkå');
    END IF;
    letters := string_to_array(folded, NULL);
    FOR i IN 1 .. cardinality(letters) LOOP
        gram := mark;
        FOR j IN i .. LEAST(i + 2, cardinality(letters)) LOOP
            gram := gram || letters[j];
            grams := grams || gram;
        END LOOP;
    END LOOP;
    RETURN grams;
END
$$;

-- Where the extension pg_trgm could not be had, these are not there.
DROP INDEX IF EXISTS asset_title_text;
DROP INDEX IF EXISTS asset_tags_text;
DROP INDEX IF EXISTS asset_description_text;
-- Without a list of what is still to be put in order: each search would read it all.
CREATE INDEX asset_title_grams ON asset USING gin (asset_grams(title, created)) WITH (fastupdate = off) WHERE deleted IS NULL;
CREATE INDEX asset_tags_grams ON asset USING gin (asset_grams(tags, created)) WITH (fastupdate = off) WHERE deleted IS NULL;
CREATE INDEX asset_description_grams ON asset USING gin (asset_grams(description, created)) WITH (fastupdate = off) WHERE deleted IS NULL;
