"""Stand PostgreSQL's words beside the queries, so that a change of any other column leaves them alone."""

from django.db import migrations

from web.search import RebuildSearch


class Migration(migrations.Migration):
    dependencies = [("curation", "0023_fewer_columns_in_indexes")]
    operations = [RebuildSearch("curation_query", ["text", "response"])]
