"""The search column is filled by regexp_replace, at two thirds of the cost."""

from django.db import migrations

from web.search import RebuildSearch


class Migration(migrations.Migration):
    dependencies = [("curation", "0005_import_mapping")]
    operations = [RebuildSearch("curation_query", ["text", "response"])]
