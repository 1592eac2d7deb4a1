"""Search over query texts and answers."""

from django.db import migrations

from web.search import AddSearch


class Migration(migrations.Migration):
    dependencies = [("curation", "0001_initial")]
    operations = [AddSearch("curation_query", ["text", "response"])]
