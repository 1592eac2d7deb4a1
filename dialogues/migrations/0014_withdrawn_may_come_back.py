"""Imported dialogues that stand as withdrawn let go of their hash, so that their file brings them anew."""

from django.db import migrations

FORGET = "UPDATE dialogues_dialogue SET text_hash = '' WHERE state = 'withdrawn' AND source_id IS NULL"


class Migration(migrations.Migration):

    dependencies = [
        ("dialogues", "0013_exported_before"),
    ]

    operations = [migrations.RunSQL(FORGET, migrations.RunSQL.noop)]
